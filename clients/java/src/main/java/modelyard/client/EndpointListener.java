// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

/**
 * Told of changes, on the client's own thread, one at a time and in their order: return soon, and call no model from
 * here. What is thrown is logged. Each method does nothing unless overridden.
 */
public interface EndpointListener {
  /** An endpoint appeared. */
  default void added(Endpoint endpoint) {}

  /** An endpoint is gone: as it was. */
  default void removed(Endpoint endpoint) {}

  /** An endpoint is another at the same place in the registry. */
  default void changed(Endpoint before, Endpoint after) {}

  /** After the calls above for all changes that were seen together, and once when the listener is added. */
  default void updated(Snapshot snapshot) {}
}
