// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.cache.TreeCacheEvent;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * The rival of watchers.cc: CLIENTS sessions with a TreeCache each below ROOT, and a writer that changes NODE of it
 * CHANGES times, each after all have seen the one before. Prints {"p50_us", "p99_us", "max_us"} of the times from the
 * begin of the write to each cache's event.
 *
 * <pre>TreeCacheWatchers QUORUM ROOT NODE CLIENTS CHANGES</pre>
 */
public final class TreeCacheWatchers {
  /** The text that the present change wrote, when it began, and who has seen it when. */
  private static final class Change {
    final String mark;
    final long[] seen;
    final Semaphore done = new Semaphore(0);

    Change(String mark, int clients) {
      this.mark = mark;
      this.seen = new long[clients];
    }
  }

  private static final AtomicReference<Change> PRESENT = new AtomicReference<>();

  private static CuratorFramework connect(String quorum) {
    CuratorFramework out = CuratorFrameworkFactory.newClient(quorum, 30_000, 30_000, new ExponentialBackoffRetry(200, 5));
    out.start();
    return out;
  }

  public static void main(String[] args) throws Exception {
    String quorum = args[0];
    String root = args[1];
    String node = args[2];
    int clients = Integer.parseInt(args[3]);
    int changes = Integer.parseInt(args[4]);
    CountDownLatch ready = new CountDownLatch(clients);
    List<AutoCloseable> open = new ArrayList<>();
    for (int i = 0; i < clients; ++i) {
      int number = i;
      CuratorFramework curator = connect(quorum);
      open.add(curator);
      TreeCache cache = TreeCache.newBuilder(curator, root).setMaxDepth(2).build();
      open.add(cache);
      cache.getListenable().addListener((client, event) -> {
        if (event.getType() == TreeCacheEvent.Type.INITIALIZED) {
          ready.countDown();
        } else if (event.getType() == TreeCacheEvent.Type.NODE_UPDATED) {
          seen(number, event.getData().getData());
        }
      });
      cache.start();
    }
    if (!ready.await(120, TimeUnit.SECONDS)) {
      throw new IllegalStateException(ready.getCount() + " of the caches did not come up");
    }
    try (CuratorFramework writer = connect(quorum)) {
      String text = new String(writer.getData().forPath(root + node), StandardCharsets.UTF_8);
      print(measure(writer, root + node, text, clients, changes));
    }
    System.out.flush();
    Runtime.getRuntime().halt(0); // closing them one by one is no part of it
  }

  private static void seen(int client, byte[] data) {
    long now = System.nanoTime();
    Change change = PRESENT.get();
    if (change != null && change.seen[client] == 0 && new String(data, StandardCharsets.UTF_8).contains(change.mark)) {
      change.seen[client] = now;
      change.done.release();
    }
  }

  private static long[] measure(CuratorFramework writer, String path, String text, int clients, int changes) throws Exception {
    long[] micros = new long[clients * changes];
    for (int i = 0; i < changes; ++i) {
      Change change = new Change(":" + (10_000 + i) + "\"", clients);
      PRESENT.set(change);
      byte[] data = text.replaceAll(":[0-9]+\"", change.mark).getBytes(StandardCharsets.UTF_8);
      long begin = System.nanoTime();
      writer.setData().forPath(path, data);
      if (!change.done.tryAcquire(clients, 30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("change " + i + " reached " + change.done.availablePermits() + " of " + clients);
      }
      for (int c = 0; c < clients; ++c) {
        micros[i * clients + c] = TimeUnit.NANOSECONDS.toMicros(change.seen[c] - begin);
      }
    }
    return micros;
  }

  private static void print(long[] micros) {
    Arrays.sort(micros);
    System.out.printf("{\"p50_us\":%d,\"p99_us\":%d,\"max_us\":%d}%n", micros[micros.length / 2],
        micros[(int) (micros.length * 0.99)], micros[micros.length - 1]);
  }
}
