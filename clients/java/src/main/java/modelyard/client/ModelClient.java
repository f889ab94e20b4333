// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.BoundedExponentialBackoffRetry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows where models answer, and calls them. Holds a snapshot of all endpoints, kept current by ZooKeeper's pushes; a
 * call asks no server but the model itself. ZooKeeper away, session lost: the snapshot stays, and is mended after.
 *
 * <p>Thread-safe. One for the whole program is enough; {@link #close()} it at the end.
 */
public final class ModelClient implements AutoCloseable {
  /** The configuration node that Modelyard's tools use by default. */
  public static final String DEFAULT_ZK_ROOT = "/metron/maas/config";
  /** Of a call that names no deadline. */
  public static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(2);

  private static final Logger LOG = LoggerFactory.getLogger(ModelClient.class);
  private static final Duration CONNECT_TIME = Duration.ofSeconds(15);
  private static final int SESSION_MILLIS = 10_000;
  private static final int CONNECT_MILLIS = 5_000;

  private final CuratorFramework curator;
  private final boolean ownsCurator;
  private final Directory directory = new Directory(System::nanoTime);
  private final ScheduledExecutorService thread;
  private final Caller caller;
  private final ZooKeeperFeed feed;
  private final CountDownLatch first = new CountDownLatch(1);
  private final List<EndpointListener> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean closed;

  private ModelClient(CuratorFramework curator, boolean ownsCurator, String zkRoot) {
    this.curator = curator;
    this.ownsCurator = ownsCurator;
    this.thread = Executors.newSingleThreadScheduledExecutor(daemons("modelyard-client"));
    this.caller = new Caller(daemons("modelyard-call"));
    this.feed = new ZooKeeperFeed(curator, zkRoot, thread, this::take);
  }

  private static ThreadFactory daemons(String name) {
    return task -> {
      Thread out = new Thread(task, name);
      out.setDaemon(true);
      return out;
    };
  }

  /**
   * Connects and waits for the first snapshot, 15 s at most.
   *
   * @param quorum "node1:2181,node2:2181[/chroot]"
   * @throws ModelException UNAVAILABLE: ZooKeeper was not reached; INVALID: its configuration node is wrong
   */
  public static ModelClient connect(String quorum) throws ModelException {
    return connect(quorum, DEFAULT_ZK_ROOT);
  }

  /** The same with a configuration node of another name. */
  public static ModelClient connect(String quorum, String zkRoot) throws ModelException {
    CuratorFramework curator = CuratorFrameworkFactory.newClient(quorum, SESSION_MILLIS, CONNECT_MILLIS,
        new BoundedExponentialBackoffRetry(50, 2000, 29));
    curator.start();
    return start(new ModelClient(curator, true, zkRoot), CONNECT_TIME, quorum);
  }

  /** Over a connection that is the caller's: started by it, and closed by it after this. */
  public static ModelClient connect(CuratorFramework curator, String zkRoot, Duration wait) throws ModelException {
    return start(new ModelClient(curator, false, zkRoot), wait, curator.getZookeeperClient().getCurrentConnectionString());
  }

  private static ModelClient start(ModelClient client, Duration wait, String quorum) throws ModelException {
    boolean ready = false;
    try {
      client.feed.start();
      ready = client.first.await(wait.toNanos(), TimeUnit.NANOSECONDS);
      if (!ready) {
        throw client.notReady(quorum);
      }
      return client;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ModelException(ModelException.Reason.CANCELLED, "interrupted while connecting to " + quorum, e);
    } catch (ModelException e) {
      throw e;
    } catch (Exception e) {
      throw new ModelException(ModelException.Reason.UNAVAILABLE, quorum + ": " + e.getMessage(), e);
    } finally {
      if (!ready) {
        client.close();
      }
    }
  }

  private ModelException notReady(String quorum) {
    String trouble = feed.trouble();
    if (trouble != null) {
      return new ModelException(ModelException.Reason.INVALID, quorum + ": " + trouble);
    }
    return new ModelException(ModelException.Reason.UNAVAILABLE, quorum + ": "
        + (connected() ? "connected, but the endpoints could not be read in time" : "ZooKeeper was not reached"));
  }

  /** All endpoints known now. Immutable, never null. */
  public Snapshot snapshot() {
    Snapshot snapshot = directory.snapshot();
    return snapshot == null ? Snapshot.EMPTY : snapshot;
  }

  /** Whether there is a connection to ZooKeeper just now. The snapshot is good without one. */
  public boolean connected() {
    return curator.getZookeeperClient().isConnected();
  }

  /** Is told of every change from now on, and of the present snapshot at once. */
  public void addListener(EndpointListener listener) {
    try {
      thread.execute(() -> {
        listeners.add(listener);
        tell(() -> listener.updated(snapshot()));
      });
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the client is closed", e);
    }
  }

  /** A call that runs already may still come. */
  public void removeListener(EndpointListener listener) {
    listeners.remove(listener);
    try {
      thread.execute(() -> listeners.remove(listener)); // behind an addListener() that is on its way
    } catch (RejectedExecutionException stopped) {
      // Nobody is told any more.
    }
  }

  /** One endpoint of the model's greatest version, each with the same chance; null when there is none. */
  public Endpoint choose(String name) {
    return choose(name, null);
  }

  /** The same of one version (null: the greatest). Those that failed lately are passed over while others are there. */
  public Endpoint choose(String name, String version) {
    Instance instance = directory.choose(name, version, Directory.Policy.UNIFORM, null);
    return instance == null ? null : instance.endpoint;
  }

  /**
   * Chooses by fewest requests in flight, then by latency, of two drawn at random; less busy instances get more.
   * Null when there is none.
   */
  public Endpoint chooseLeastBusy(String name, String version) {
    Instance instance = directory.choose(name, version, Directory.Policy.TWO_CHOICES, null);
    return instance == null ? null : instance.endpoint;
  }

  /** As {@link #call(String, String, String, Map, Duration)}, within {@link #DEFAULT_DEADLINE}. */
  public Answer call(String name, String version, String function, Map<String, String> arguments)
      throws ModelException {
    return call(name, version, function, arguments, DEFAULT_DEADLINE);
  }

  /**
   * GET url/function?arguments of one instance; where that fails by its own fault and time is left, of one other.
   *
   * @param version null: the greatest
   * @param function an alias of the endpoint, or a path
   * @param arguments encoded as by URLEncoder, in the map's order; null values are left out
   * @param deadline of the whole call; it returns or throws by then
   */
  public Answer call(String name, String version, String function, Map<String, String> arguments, Duration deadline)
      throws ModelException {
    Instance instance = directory.choose(name, version, Directory.Policy.TWO_CHOICES, null);
    if (instance == null) {
      throw new ModelException(ModelException.Reason.NOT_FOUND, version == null || !directory.knows(name)
          ? "no instance of a model named " + name + " is registered"
          : "no instance of version " + version + " of " + name + " is registered");
    }
    long begin = System.nanoTime();
    long end = begin + deadline.toNanos();
    try {
      return attempt(instance, function, arguments, patience(instance, begin, end));
    } catch (Caller.Failure failure) {
      boolean mayRetry = failure.ofInstance && end - System.nanoTime() > 0;
      Instance other =
          mayRetry ? directory.choose(name, version, Directory.Policy.TWO_CHOICES, instance) : null;
      if (other == null) {
        throw told(instance, failure, "");
      }
      return retry(other, function, arguments, end, "; and before it " + instance.endpoint + ": " + failure.getMessage());
    }
  }

  private Answer retry(Instance instance, String function, Map<String, String> arguments, long end, String before)
      throws ModelException {
    try {
      return attempt(instance, function, arguments, end);
    } catch (Caller.Failure failure) {
      throw told(instance, failure, before);
    }
  }

  private static ModelException told(Instance instance, Caller.Failure failure, String before) {
    return new ModelException(failure.reason, instance.endpoint + ": " + failure.getMessage() + before);
  }

  // An instance that hangs must not eat the time in which another would answer; one that is merely slow gets all of it.
  private long patience(Instance instance, long begin, long end) {
    if (instance.slowest() == 0 || !directory.hasOther(instance)) {
      return end;
    }
    return begin + Math.min(end - begin, Math.max((end - begin) / 2, 4 * instance.slowest()));
  }

  private Answer attempt(Instance instance, String function, Map<String, String> arguments, long until)
      throws ModelException, Caller.Failure {
    long begin = System.nanoTime();
    instance.inFlight.incrementAndGet();
    try {
      Answer answer = caller.call(instance.endpoint, Wire.target(instance.endpoint, function, arguments), until);
      instance.answered(System.nanoTime() - begin);
      return answer;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ModelException(ModelException.Reason.CANCELLED, "interrupted while calling " + instance.endpoint, e);
    } catch (Caller.Failure failure) {
      if (failure.ofInstance) {
        instance.failed(System.nanoTime());
      } else if (failure.reason == ModelException.Reason.FAILED) {
        instance.answered(System.nanoTime() - begin); // it answered; what it said is the caller's fault
      }
      if (failure.unreachable) {
        directory.forget(instance);
      }
      throw failure;
    } finally {
      instance.inFlight.decrementAndGet();
    }
  }

  // On the thread.
  private void take(Map<String, List<Endpoint>> changed, Map<String, String> malformed) {
    Snapshot before = snapshot();
    directory.replace(changed, malformed);
    first.countDown();
    Snapshot after = snapshot();
    List<Endpoint[]> pairs = new ArrayList<>();
    changed.keySet().forEach(name -> difference(before, after, name, pairs));
    for (EndpointListener listener : listeners) {
      for (Endpoint[] pair : pairs) {
        tell(() -> told(listener, pair[0], pair[1]));
      }
      tell(() -> listener.updated(after));
    }
  }

  private static void difference(Snapshot before, Snapshot after, String name, List<Endpoint[]> out) {
    Map<String, Endpoint> old = byId(before, name);
    byId(after, name).forEach((id, endpoint) -> {
      Endpoint was = old.remove(id);
      if (!endpoint.equals(was)) {
        out.add(new Endpoint[] {was, endpoint});
      }
    });
    old.values().forEach(gone -> out.add(new Endpoint[] {gone, null}));
  }

  private static Map<String, Endpoint> byId(Snapshot snapshot, String name) {
    Map<String, Endpoint> out = new HashMap<>();
    snapshot.versions(name).values().forEach(list -> list.forEach(e -> out.put(e.id(), e)));
    return out;
  }

  private static void told(EndpointListener listener, Endpoint before, Endpoint after) {
    if (before == null) {
      listener.added(after);
    } else if (after == null) {
      listener.removed(before);
    } else {
      listener.changed(before, after);
    }
  }

  private static void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      LOG.warn("a listener failed", e);
    }
  }

  /** Ends its threads; calls that run end with CANCELLED or their deadline. Idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      thread.execute(feed::close);
    } catch (RejectedExecutionException stopped) {
      // closed once before
    }
    thread.shutdown();
    try {
      thread.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    caller.close();
    if (ownsCurator) {
      curator.close();
    }
  }

  /** For tests: what the choice knows. */
  Directory directory() {
    return directory;
  }

  /** Arguments from pairs, in their order: {@code arguments("host", "yahoo.com")}. */
  public static Map<String, String> arguments(String... pairs) {
    if (pairs.length % 2 != 0) {
      throw new IllegalArgumentException("a value is missing for " + pairs[pairs.length - 1]);
    }
    Map<String, String> out = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      out.put(pairs[i], pairs[i + 1]);
    }
    return Collections.unmodifiableMap(out);
  }
}
