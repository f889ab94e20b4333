// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.Map;

/** What a model answered: one JSON object. Immutable. */
public final class Answer {
  private final String body;
  private final Map<String, Object> fields;
  private final Endpoint endpoint;

  Answer(String body, Map<String, Object> fields, Endpoint endpoint) {
    this.body = body;
    this.fields = fields;
    this.endpoint = endpoint;
  }

  /** The object's text as it came. */
  public String body() {
    return body;
  }

  /**
   * The object: String, Boolean, Long, Double (whole numbers beyond a long too), null, {@code Map<String, Object>},
   * {@code List<Object>}.
   */
  public Map<String, Object> fields() {
    return fields;
  }

  /** The instance that answered. */
  public Endpoint endpoint() {
    return endpoint;
  }
}
