// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** All endpoints that were known at one moment: name, version, endpoints. Immutable; hold it as long as you like. */
public final class Snapshot {
  static final Snapshot EMPTY = new Snapshot(new TreeMap<>(), 0, Collections.emptyMap());

  private final SortedMap<String, SortedMap<String, List<Endpoint>>> models;
  private final int size;
  private final Map<String, String> malformed;

  Snapshot(SortedMap<String, SortedMap<String, List<Endpoint>>> models, int size, Map<String, String> malformed) {
    this.models = Collections.unmodifiableSortedMap(models);
    this.size = size;
    this.malformed = malformed;
  }

  /** Everything; versions by {@link VersionOrder}, smallest first; endpoints by id. */
  public SortedMap<String, SortedMap<String, List<Endpoint>>> models() {
    return models;
  }

  /** The endpoints of one version; empty where there is none. */
  public List<Endpoint> endpoints(String name, String version) {
    return versions(name).getOrDefault(version, Collections.emptyList());
  }

  /** The versions of a model that have endpoints, smallest first; empty where there is none. */
  public SortedMap<String, List<Endpoint>> versions(String name) {
    SortedMap<String, List<Endpoint>> versions = models.get(name);
    return versions == null ? Collections.emptySortedMap() : versions;
  }

  /** The greatest version that has an endpoint, or null. */
  public String currentVersion(String name) {
    SortedMap<String, List<Endpoint>> versions = versions(name);
    return versions.isEmpty() ? null : versions.lastKey();
  }

  /** How many endpoints there are. */
  public int size() {
    return size;
  }

  /** Nodes that could not be understood and were passed over: path to reason. */
  public Map<String, String> malformed() {
    return malformed;
  }
}
