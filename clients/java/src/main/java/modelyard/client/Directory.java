// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * The endpoints that may be called, and the choice among them. Choosing takes no lock; changes come from one thread.
 *
 * <p>When over half of a model's endpoints vanish at once, those stay as a last resort for a minute: chosen only while
 * the model has no other.
 */
final class Directory {
  static final long LAST_RESORT_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final int DRAWS = 8; // before the list is walked
  private static final Comparator<Endpoint> BY_ID = Comparator.comparing(Endpoint::id);

  enum Policy {
    UNIFORM,
    TWO_CHOICES
  }

  private static final class Model {
    final TreeMap<String, List<Instance>> versions = new TreeMap<>(VersionOrder.INSTANCE);
    final TreeMap<String, List<Instance>> lastResort = new TreeMap<>(VersionOrder.INSTANCE);
    long lastResortUntil;
  }

  private final Instance.Ticker ticker;
  private volatile Map<String, Model> models = Collections.emptyMap();
  private volatile Snapshot snapshot; // null before the first

  Directory(Instance.Ticker ticker) {
    this.ticker = ticker;
  }

  Snapshot snapshot() {
    return snapshot;
  }

  boolean knows(String name) {
    return models.containsKey(name);
  }

  /** Replaces the endpoints of the models named here (an empty list: it has none any more); the others stay. */
  synchronized void replace(Map<String, List<Endpoint>> changed, Map<String, String> malformed) {
    Map<String, Model> next = new HashMap<>(models);
    SortedMap<String, SortedMap<String, List<Endpoint>>> told =
        new TreeMap<>(snapshot == null ? Snapshot.EMPTY.models() : snapshot.models());
    int size = snapshot == null ? 0 : snapshot.size();
    for (Map.Entry<String, List<Endpoint>> entry : changed.entrySet()) {
      String name = entry.getKey();
      Model model = rebuilt(entry.getValue(), models.get(name));
      if (model.versions.isEmpty() && model.lastResort.isEmpty()) {
        next.remove(name);
      } else {
        next.put(name, model);
      }
      SortedMap<String, List<Endpoint>> before = told.remove(name);
      size += count(model.versions) - (before == null ? 0 : count(before));
      if (!model.versions.isEmpty()) {
        told.put(name, endpointsOf(model.versions));
      }
    }
    models = next;
    snapshot = new Snapshot(told, size, Collections.unmodifiableMap(new TreeMap<>(malformed)));
  }

  private static int count(SortedMap<String, ? extends List<?>> versions) {
    int count = 0;
    for (List<?> list : versions.values()) {
      count += list.size();
    }
    return count;
  }

  private static SortedMap<String, List<Endpoint>> endpointsOf(TreeMap<String, List<Instance>> versions) {
    SortedMap<String, List<Endpoint>> out = new TreeMap<>(VersionOrder.INSTANCE);
    for (Map.Entry<String, List<Instance>> entry : versions.entrySet()) {
      List<Endpoint> endpoints = new ArrayList<>(entry.getValue().size());
      for (Instance instance : entry.getValue()) {
        endpoints.add(instance.endpoint);
      }
      out.put(entry.getKey(), Collections.unmodifiableList(endpoints));
    }
    return Collections.unmodifiableSortedMap(out);
  }

  // What is known of an instance stays with it while its endpoint is the same.
  private Model rebuilt(List<Endpoint> endpoints, Model old) {
    Map<Endpoint, Instance> known = new HashMap<>();
    Set<String> present = new HashSet<>();
    for (Endpoint endpoint : endpoints) {
      present.add(endpoint.id());
    }
    List<Instance> before = new ArrayList<>();
    List<Instance> vanished = new ArrayList<>();
    List<Instance> stillLastResort = new ArrayList<>();
    if (old != null) {
      old.versions.values().forEach(before::addAll);
      old.lastResort.values().forEach(stillLastResort::addAll);
      stillLastResort.forEach(i -> known.put(i.endpoint, i));
      before.forEach(i -> known.put(i.endpoint, i));
      before.stream().filter(i -> !present.contains(i.endpoint.id())).forEach(vanished::add);
      stillLastResort.removeIf(i -> present.contains(i.endpoint.id()));
    }
    Model model = new Model();
    List<Endpoint> sorted = new ArrayList<>(endpoints);
    sorted.sort(BY_ID);
    for (Endpoint endpoint : sorted) {
      Instance instance = known.get(endpoint);
      put(model.versions, instance == null ? new Instance(endpoint) : instance);
    }
    boolean most = vanished.size() * 2 > before.size();
    model.lastResortUntil = most || old == null ? ticker.nanos() + LAST_RESORT_NANOS : old.lastResortUntil;
    (most ? vanished : stillLastResort).forEach(i -> put(model.lastResort, i));
    return model;
  }

  private static void put(TreeMap<String, List<Instance>> versions, Instance instance) {
    versions.computeIfAbsent(instance.endpoint.version(), v -> new ArrayList<>()).add(instance);
  }

  /** version null: the greatest that has an endpoint. `except` (may be null) is passed over. Null: there is none. */
  Instance choose(String name, String version, Policy policy, Instance except) {
    List<Instance> from = candidates(name, version);
    long now = ticker.nanos();
    Instance first = draw(from, except, null, now);
    if (first == null || policy == Policy.UNIFORM || from.size() == 1) {
      return first;
    }
    Instance second = draw(from, except, first, now);
    // A second one that is set aside was the best of a bad lot: no rival.
    if (second == null || second.isAside(now)) {
      return first;
    }
    int a = first.inFlight.get();
    int b = second.inFlight.get();
    if (a != b) {
      return a < b ? first : second;
    }
    return first.latency() <= second.latency() ? first : second;
  }

  boolean hasOther(Instance instance) {
    return candidates(instance.endpoint.name(), instance.endpoint.version()).size() > 1;
  }

  private List<Instance> candidates(String name, String version) {
    Model model = models.get(name);
    if (model == null) {
      return Collections.emptyList();
    }
    List<Instance> found = of(model.versions, version);
    if (found == null && model.lastResortUntil - ticker.nanos() > 0) {
      found = of(model.lastResort, version);
    }
    return found == null ? Collections.emptyList() : found;
  }

  private static List<Instance> of(TreeMap<String, List<Instance>> versions, String version) {
    if (version != null) {
      return versions.get(version);
    }
    return versions.isEmpty() ? null : versions.lastEntry().getValue();
  }

  // One at random among those not set aside; when all are, the one whose time is over first: the last is never lost.
  private static Instance draw(List<Instance> from, Instance except, Instance alsoExcept, long now) {
    int size = from.size();
    for (int i = 0; i < DRAWS && size > 0; ++i) {
      Instance instance = from.get(ThreadLocalRandom.current().nextInt(size));
      if (instance != except && instance != alsoExcept && !instance.isAside(now)) {
        return instance;
      }
    }
    int start = size == 0 ? 0 : ThreadLocalRandom.current().nextInt(size);
    Instance soonest = null;
    for (int i = 0; i < size; ++i) {
      Instance instance = from.get((start + i) % size);
      if (instance == except || instance == alsoExcept) {
        continue;
      }
      if (!instance.isAside(now)) {
        return instance;
      }
      if (soonest == null || instance.asideUntil() - soonest.asideUntil() < 0) {
        soonest = instance;
      }
    }
    return soonest;
  }

  /** A last resort that cannot even be connected to is one no more. */
  synchronized void forget(Instance instance) {
    Model old = models.get(instance.endpoint.name());
    if (old == null || !anyMatch(old.lastResort.values(), instance)) {
      return;
    }
    Model model = new Model();
    model.versions.putAll(old.versions);
    model.lastResortUntil = old.lastResortUntil;
    for (List<Instance> list : old.lastResort.values()) {
      list.stream().filter(i -> i != instance).forEach(i -> put(model.lastResort, i));
    }
    Map<String, Model> next = new HashMap<>(models);
    next.put(instance.endpoint.name(), model);
    models = next;
  }

  private static boolean anyMatch(Collection<List<Instance>> lists, Instance instance) {
    return lists.stream().anyMatch(list -> list.contains(instance));
  }
}
