/** Long work in pieces, so that others have their turn in between. */
import type { Clock } from '../lib/clock.ts';

/** Others wait no longer than this, and one piece. */
const TURN_MS = 5;

/** Runs the steps to the end. @param onStep is given what each step gives; what it throws ends the work */
export async function inTurns<S, T>(
  clock: Clock,
  steps: Generator<S, T, undefined>,
  onStep: (step: S) => void,
): Promise<T> {
  let sinceMs = clock.monotonicMs();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    onStep(step.value);
    if (clock.monotonicMs() - sinceMs < TURN_MS) continue;
    await new Promise<void>((resolve) => clock.soon(resolve));
    sinceMs = clock.monotonicMs();
  }
}
