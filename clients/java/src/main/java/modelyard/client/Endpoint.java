// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Where one instance of a model answers. Immutable. */
public final class Endpoint {
  private final String name;
  private final String version;
  private final String id;
  private final String url;
  private final Map<String, String> functions;

  Endpoint(String name, String version, String id, String url, Map<String, String> functions) {
    this.name = name;
    this.version = version;
    this.id = id;
    this.url = url;
    this.functions = Collections.unmodifiableMap(new TreeMap<>(functions));
  }

  /** The model's name. */
  public String name() {
    return name;
  }

  /** The model's version, as it was deployed; {@link VersionOrder} orders them. */
  public String version() {
    return version;
  }

  /** The instance: on a cluster the container's id. */
  public String id() {
    return id;
  }

  /** As clients call it, without the function: {@code http://node1:50959}. */
  public String url() {
    return url;
  }

  /** Alias to path; {@code {"apply": "apply"}} where the model names none. */
  public Map<String, String> functions() {
    return functions;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof Endpoint)) {
      return false;
    }
    Endpoint that = (Endpoint) other;
    return name.equals(that.name) && version.equals(that.version) && id.equals(that.id) && url.equals(that.url)
        && functions.equals(that.functions);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, version, id, url);
  }

  /** "dga@1.0, instance container_9_9 at http://node1:50959". */
  @Override
  public String toString() {
    return name + "@" + version + ", instance " + id + " at " + url;
  }
}
