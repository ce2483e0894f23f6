// Writes docs/PARITY.md from the tables in scripts/parity.
import { mkdirSync, writeFileSync } from 'node:fs';
import { renderParity } from './parity/document.ts';

const file = new URL('../docs/PARITY.md', import.meta.url);
mkdirSync(new URL('.', file), { recursive: true });
writeFileSync(file, renderParity());
