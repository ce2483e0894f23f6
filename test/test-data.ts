import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Folder of the shared photographs and manifests, which are not part of the repository. */
export const TEST_DATA = resolve(process.env.OCELLUS_TEST_DATA ?? '../shared/data');

/** True where tests on that folder are left out: it isn't there. In CI they run, and fail without it. */
export const WITHOUT_TEST_DATA = !existsSync(TEST_DATA) && !process.env.CI;
