#!/usr/bin/env node
import { ocellus } from './cli/ocellus.ts';

process.exitCode = await ocellus(process.argv.slice(2));
