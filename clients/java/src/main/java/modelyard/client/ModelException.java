// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.io.IOException;

/** Why there is no answer. Decide on {@link #reason()}; the message is for people. */
public final class ModelException extends IOException {
  private static final long serialVersionUID = 1;

  /** What callers act on. */
  public enum Reason {
    /** No endpoint of that model or version is registered. */
    NOT_FOUND,
    /** Neither ZooKeeper (at the start) nor the instance could be reached. */
    UNAVAILABLE,
    /** Time ran out; the instance may have worked on it. */
    DEADLINE,
    /** The instance answered, but no JSON object, or no HTTP. */
    PROTOCOL,
    /** The instance answered with another status than 200. */
    FAILED,
    /** The endpoint's url cannot be called over HTTP. */
    UNSUPPORTED,
    /** The answer is larger than 16 MiB. */
    TOO_LARGE,
    /** The configuration in ZooKeeper, or an argument, is wrong. */
    INVALID,
    /** The client was closed, or the calling thread interrupted. */
    CANCELLED
  }

  private final Reason reason;

  ModelException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  ModelException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
