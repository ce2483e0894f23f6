import { expect, it } from 'vitest';
import { minimize } from './lbfgs.ts';

it('finds the minimum of the Rosenbrock function', async () => {
  const rosenbrock = async ([x, y]: Float64Array, gradient: Float64Array) => {
    gradient[0] = -2 * (1 - x!) - 400 * x! * (y! - x! * x!);
    gradient[1] = 200 * (y! - x! * x!);
    return (1 - x!) ** 2 + 100 * (y! - x! * x!) ** 2;
  };
  const found = await minimize(rosenbrock, Float64Array.of(-1.2, 1), { tolerance: 1e-8, iterations: 200 });
  expect(found[0]).toBeCloseTo(1, 5);
  expect(found[1]).toBeCloseTo(1, 5);
});

it('finds the minimum of a badly scaled quadratic within a few steps', async () => {
  const scales = Float64Array.from({ length: 20 }, (_, i) => 10 ** (i / 10));
  let evaluations = 0;
  const quadratic = async (x: Float64Array, gradient: Float64Array) => {
    evaluations++;
    x.forEach((v, i) => {
      gradient[i] = scales[i]! * (v - i);
    });
    return x.reduce((sum, v, i) => sum + 0.5 * scales[i]! * (v - i) ** 2, 0);
  };
  const found = await minimize(quadratic, new Float64Array(20), { tolerance: 1e-6, iterations: 500 });
  found.forEach((v, i) => void expect(v).toBeCloseTo(i, 5));
  expect(evaluations).toBeLessThan(100);
});

it('stays where the gradient is zero already', async () => {
  const bowl = async (x: Float64Array, gradient: Float64Array) => {
    gradient[0] = 2 * x[0]!;
    return x[0]! ** 2;
  };
  expect(await minimize(bowl, Float64Array.of(0), { tolerance: 1e-9, iterations: 5 })).toEqual(
    Float64Array.of(0),
  );
});
