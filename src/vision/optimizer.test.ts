import { describe, expect, it } from 'vitest';
import { AdamW, clipNorm, cosineSchedule, Sgd } from './optimizer.ts';

const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };

describe('AdamW', () => {
  it('moves by the learning rate against the sign of the first gradient', () => {
    const data = Float32Array.of(1, 1);
    new AdamW([{ data, shape: [2] }], options).step([Float32Array.of(3, -0.01)], 0.1);
    expect(data[0]).toBeCloseTo(0.9, 4);
    expect(data[1]).toBeCloseTo(1.1, 4);
  });

  it('decays matrices and leaves vectors', () => {
    const matrix = Float32Array.of(1);
    const vector = Float32Array.of(1);
    const optimizer = new AdamW(
      [
        { data: matrix, shape: [1, 1] },
        { data: vector, shape: [1] },
      ],
      options,
    );
    optimizer.step([Float32Array.of(0), Float32Array.of(0)], 0.5);
    expect(matrix[0]).toBeCloseTo(0.95, 6);
    expect(vector[0]).toBe(1);
  });

  it('finds the minimum of a badly scaled quadratic', () => {
    const data = Float32Array.of(5, -3);
    const optimizer = new AdamW([{ data, shape: [2] }], options);
    for (let i = 0; i < 500; i++) {
      const gradient = Float32Array.of(2 * (data[0]! - 1), 200 * (data[1]! - 2));
      optimizer.step([gradient], 0.1 * cosineSchedule(i / 500, 0.1));
    }
    expect(data[0]).toBeCloseTo(1, 2);
    expect(data[1]).toBeCloseTo(2, 2);
  });
});

describe('Sgd', () => {
  it('steps along the gradient and keeps going by its momentum', () => {
    const data = Float32Array.of(0);
    const optimizer = new Sgd([{ data, shape: [1] }], { momentum: 0.5, weightDecay: 0 });
    optimizer.step([Float32Array.of(1)], 0.1);
    expect(data[0]).toBeCloseTo(-0.15, 6);
    optimizer.step([Float32Array.of(0)], 0.1);
    expect(data[0]).toBeCloseTo(-0.175, 6);
  });

  it('decays matrices, leaves vectors, and obeys the rate of a tensor', () => {
    const [matrix, vector, frozen] = [1, 1, 1].map((value) => Float32Array.of(value));
    const parameters = [
      { data: matrix!, shape: [1, 1] },
      { data: vector!, shape: [1] },
      { data: frozen!, shape: [1, 1], rate: 0 },
    ];
    const optimizer = new Sgd(parameters, { momentum: 0, weightDecay: 0.1 });
    optimizer.step([Float32Array.of(0), Float32Array.of(0), Float32Array.of(5)], 0.5);
    expect(matrix![0]).toBeCloseTo(0.95, 6);
    expect(vector![0]).toBe(1);
    expect(frozen![0]).toBe(1);
  });
});

describe('clipNorm', () => {
  it('scales to the common norm only when it is exceeded', () => {
    const gradients = [Float32Array.of(3), Float32Array.of(4)];
    expect(clipNorm(gradients, 10)).toBe(5);
    expect(gradients).toEqual([Float32Array.of(3), Float32Array.of(4)]);
    expect(clipNorm(gradients, 1)).toBe(5);
    expect(Math.hypot(gradients[0]![0]!, gradients[1]![0]!)).toBeCloseTo(1, 5);
  });
});

it('cosineSchedule rises to 1 at the end of the warm-up and falls to 0', () => {
  expect(cosineSchedule(0.05, 0.1)).toBeCloseTo(0.5);
  expect(cosineSchedule(0.1, 0.1)).toBe(1);
  expect(cosineSchedule(1, 0.1)).toBeCloseTo(0);
});
