/** @pure What is counted of the controller on this broker, over all its tenures: plain numbers that grow, and times. */
import { Histogram } from '../lib/histogram.ts';

export class ControllerCounters {
  /** Leaders that were elected from outside the ISR: what was acknowledged may be lost. */
  uncleanLeaderElections = 0;
  /** Of every write of states that gave partitions another leader (Kafka's LeaderElectionRateAndTimeMs). */
  readonly electionMs = new Histogram();
  /** How long events waited for their turn. */
  readonly eventQueueMs = new Histogram();
}
