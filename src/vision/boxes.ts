/** A rectangle in shares of the upright picture's width and height, 0–1. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** `label`: index into the label list. */
export interface LabelledBox extends Box {
  label: number;
}

/** A box that a detector found. `score`: 0–1. */
export interface Detection extends LabelledBox {
  score: number;
}

/** Intersection over union of two boxes, 0–1; 0 where both are empty. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (a.width * a.height + b.width * b.height - intersection);
}
