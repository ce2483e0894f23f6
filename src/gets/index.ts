import type { SignedGet } from '../protocol/signed-get.ts';
import { model } from './model.ts';

/** What a server answers beside the API. */
export const gets: SignedGet[] = [model];
