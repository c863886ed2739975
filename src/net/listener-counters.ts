/** @pure What is counted for the connections of one listener: plain numbers that grow. */
export class ListenerCounters {
  readonly listenerName: string;
  created = 0;
  closed = 0;
  /** Closed because nothing came for connections.max.idle.ms. */
  expired = 0;
  incomingBytes = 0;
  outgoingBytes = 0;

  constructor(listenerName: string) {
    this.listenerName = listenerName;
  }
}
