/** Projects of an account in a Region. */
export const MAXIMUM_PROJECTS = 100;

/** Versions of a project. */
export const MAXIMUM_VERSIONS = 100;

/** Inference units of one running model. */
export const MAXIMUM_INFERENCE_UNITS = 5;
