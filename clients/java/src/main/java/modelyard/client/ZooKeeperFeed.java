// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.cache.TreeCacheEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoints below serviceRoot, as ZooKeeper pushes them. Reads the configuration node, follows it, and follows
 * the subtree that it names. A lost connection or session takes nothing away: what differs is told after the
 * reconnect. State is confined to the given thread.
 */
final class ZooKeeperFeed {
  private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperFeed.class);
  private static final long GATHER_MILLIS = 2; // changes within this time are told together

  /** All endpoints of the models that changed, and every node that was passed over; path to reason. */
  interface Sink {
    void accept(Map<String, List<Endpoint>> changed, Map<String, String> malformed);
  }

  private final CuratorFramework curator;
  private final String zkRoot;
  private final ScheduledExecutorService thread;
  private final Sink sink;

  private TreeCache configCache;
  private TreeCache cache;
  private String serviceRoot;
  private boolean complete; // the whole subtree was read once
  private boolean scheduled;
  private boolean closed;
  private boolean configured; // the configuration node was seen, or its absence
  private volatile String trouble; // null: none but that nothing was read yet

  private final Map<String, Endpoint> byPath = new HashMap<>();
  private final Map<String, Set<String>> pathsByName = new HashMap<>();
  private final Map<String, String> malformed = new TreeMap<>();
  private final Set<String> dirty = new HashSet<>();

  ZooKeeperFeed(CuratorFramework curator, String zkRoot, ScheduledExecutorService thread, Sink sink) {
    this.curator = curator;
    this.zkRoot = zkRoot;
    this.thread = thread;
    this.sink = sink;
  }

  /** What is wrong in ZooKeeper, so that there is no snapshot yet; null = nothing was read yet. */
  String trouble() {
    return trouble;
  }

  void start() throws Exception {
    configCache = TreeCache.newBuilder(curator, zkRoot).setMaxDepth(0).build();
    configCache.getListenable().addListener((client, event) -> post(() -> configEvent(event)));
    configCache.start();
  }

  /** Runs on the thread. */
  void close() {
    closed = true;
    configCache.close();
    if (cache != null) {
      cache.close();
    }
  }

  private void post(Runnable task) {
    try {
      thread.execute(() -> {
        if (!closed) {
          task.run();
        }
      });
    } catch (RejectedExecutionException stopped) {
      // The client is closed.
    }
  }

  private void configEvent(TreeCacheEvent event) {
    switch (event.getType()) {
      case NODE_ADDED:
      case NODE_UPDATED:
        configure(event.getData().getData());
        break;
      case NODE_REMOVED:
        configure(null);
        break;
      case INITIALIZED:
        if (!configured) {
          configure(null); // the node is absent
        }
        break;
      default:
    }
  }

  private void configure(byte[] data) {
    configured = true;
    String root;
    try {
      root = Wire.serviceRoot(data);
    } catch (Json.Malformed e) {
      trouble = zkRoot + ": " + e.getMessage();
      LOG.warn("The configuration in ZooKeeper is passed over: {}", trouble);
      return;
    }
    if (root.equals(serviceRoot)) {
      return;
    }
    if (cache != null) {
      cache.close();
    }
    serviceRoot = root;
    follow(root);
  }

  private void follow(String root) {
    complete = false;
    dirty.addAll(pathsByName.keySet());
    byPath.clear();
    pathsByName.clear();
    malformed.clear();
    TreeCache next = TreeCache.newBuilder(curator, root).setMaxDepth(2).build();
    cache = next;
    next.getListenable().addListener((client, event) -> post(() -> {
      if (cache == next) {
        event(event);
      }
    }));
    try {
      next.start();
    } catch (Exception e) {
      trouble = root + ": " + e;
      LOG.warn("{}", trouble);
    }
  }

  private void event(TreeCacheEvent event) {
    switch (event.getType()) {
      case NODE_ADDED:
      case NODE_UPDATED:
        put(event.getData());
        break;
      case NODE_REMOVED:
        remove(event.getData().getPath());
        break;
      case INITIALIZED:
        complete = true;
        publish();
        return;
      default:
        return;
    }
    if (complete && !scheduled) {
      scheduled = true;
      thread.schedule(this::publish, GATHER_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  // "/maas/service/dga/container_9_9" -> {"dga", "container_9_9"}; null for the nodes above.
  private String[] parts(String path) {
    String prefix = serviceRoot + "/";
    String[] parts = path.startsWith(prefix) ? path.substring(prefix.length()).split("/", 2) : new String[0];
    return parts.length == 2 ? parts : null;
  }

  private void put(ChildData node) {
    String[] parts = parts(node.getPath());
    if (parts == null) {
      return;
    }
    try {
      Endpoint endpoint = Wire.endpoint(node.getData(), parts[0], parts[1]);
      Endpoint before = byPath.get(node.getPath());
      if (endpoint.equals(before)) {
        return;
      }
      remove(node.getPath());
      byPath.put(node.getPath(), endpoint);
      pathsByName.computeIfAbsent(endpoint.name(), n -> new HashSet<>()).add(node.getPath());
      dirty.add(endpoint.name());
    } catch (Json.Malformed e) {
      remove(node.getPath());
      malformed.put(node.getPath(), e.getMessage());
      LOG.warn("{} is passed over: {}", node.getPath(), e.getMessage());
    }
  }

  private void remove(String path) {
    malformed.remove(path);
    Endpoint before = byPath.remove(path);
    if (before == null) {
      return;
    }
    Set<String> paths = pathsByName.get(before.name());
    paths.remove(path);
    if (paths.isEmpty()) {
      pathsByName.remove(before.name());
    }
    dirty.add(before.name());
  }

  private void publish() {
    scheduled = false;
    if (closed || !complete) {
      return;
    }
    Map<String, List<Endpoint>> changed = new HashMap<>();
    for (String name : dirty) {
      List<Endpoint> endpoints = new ArrayList<>();
      pathsByName.getOrDefault(name, Collections.emptySet()).forEach(path -> endpoints.add(byPath.get(path)));
      changed.put(name, endpoints);
    }
    dirty.clear();
    sink.accept(changed, malformed);
  }
}
