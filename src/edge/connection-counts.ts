/** What stub_status tells: connections of one edge thread, and what they are doing. */
export class ConnectionCounts {
  accepted = 0;
  handled = 0;
  requests = 0;
  /** Open connections. */
  active = 0;
  /** Connections whose request is being answered. */
  writing = 0;
  /** Connections whose request is being read. */
  reading = 0;

  /** Connections that wait for a request. */
  get waiting(): number {
    return Math.max(0, this.active - this.writing - this.reading);
  }
}
