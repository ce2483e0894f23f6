import type { SignedGet } from '../protocol/signed-get.ts';
import { model } from './model.ts';
import { progress } from './progress.ts';

/** What a server answers beside the API. */
export const gets: SignedGet[] = [model, progress];
