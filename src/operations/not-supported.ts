import { ServiceError } from './errors.ts';

/**
 * What an operation answers that is known but not there yet, once its input is checked. InvalidParameterException
 * with a sentence: every operation models it, no client tries it again, and, unlike the AccessDeniedException of
 * a Region without the feature, it doesn't send people looking for a missing permission.
 */
export function notSupported(what: string): ServiceError {
  return new ServiceError('InvalidParameterException', `${what} not supported yet.`);
}
