// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** One endpoint and what this client knows of it. Thread-safe. Times are those of {@link Ticker}. */
final class Instance {
  private static final long ASIDE_MIN = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long ASIDE_MAX = TimeUnit.SECONDS.toNanos(30);

  /** The clock, so that tests need not wait. */
  interface Ticker {
    long nanos();
  }

  final Endpoint endpoint;
  final AtomicInteger inFlight = new AtomicInteger();
  private volatile boolean aside;
  private volatile long asideUntil;
  private volatile long latency; // exponentially weighted mean of the answers; 0 = none yet
  private volatile long slowest; // of the answers, fading
  private int failuresInARow;

  Instance(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  boolean isAside(long now) {
    return aside && asideUntil - now > 0;
  }

  long asideUntil() {
    return asideUntil;
  }

  long latency() {
    return latency;
  }

  long slowest() {
    return slowest;
  }

  synchronized void answered(long nanos) {
    failuresInARow = 0;
    aside = false;
    latency = latency == 0 ? nanos : (latency * 7 + nanos) / 8;
    slowest = Math.max(nanos, slowest - slowest / 64);
  }

  /** Set aside 0.5 s, then twice that each time, to 30 s, with jitter. Calls that fail together are one failure. */
  synchronized void failed(long now) {
    if (isAside(now)) {
      return;
    }
    long time = Math.min(ASIDE_MIN << Math.min(failuresInARow++, 6), ASIDE_MAX);
    asideUntil = now + (long) (time * (0.75 + ThreadLocalRandom.current().nextDouble() / 2));
    aside = true;
  }
}
