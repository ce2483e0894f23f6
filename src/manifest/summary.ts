import type { Finding } from './codes.ts';
import type { LineState } from './parsed.ts';

export type UseCase = 'IMAGE_LEVEL_LABELS' | 'OBJECT_LOCALIZATION' | 'NOT_DETERMINED';

/** One set's part of the manifest summary. Line numbers count from 1. */
export interface SetStatistics {
  use_case: UseCase;
  total_json_lines: number;
  valid_json_lines: number;
  invalid_json_lines: number;
  ignored_json_lines: number;
  error_json_line_indices: number[];
  errors: Finding[];
}

/** The manifest summary file. `errors` at the top concern both sets. */
export interface ManifestSummary {
  errors: Finding[];
  statistics: { training: SetStatistics; testing: SetStatistics };
}

/** Counts the lines of a set: each has one state, so total = valid + invalid + ignored. */
export function setStatistics(
  lines: readonly { state: LineState; hasErrors: boolean }[],
  useCase: UseCase,
  errors: Finding[],
): SetStatistics {
  const count = (state: LineState) => lines.filter((line) => line.state === state).length;
  return {
    use_case: useCase,
    total_json_lines: lines.length,
    valid_json_lines: count('valid'),
    invalid_json_lines: count('invalid'),
    ignored_json_lines: count('ignored'),
    error_json_line_indices: lines.flatMap((line, index) => (line.hasErrors ? [index + 1] : [])),
    errors,
  };
}
