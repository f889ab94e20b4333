// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;

/** A real ZooKeeper server of a given version, on loopback; its data outlives stop(). */
final class ZooKeeperProcess implements AutoCloseable {
  private static final Map<String, String> JARS = new ConcurrentHashMap<>();
  private final Path folder = Files.createTempDirectory("modelyard-zookeeper");
  private final String jars;
  private final int port;
  private Process process;

  /** version: "3.4", "3.9" (tools/jars/zookeeper-VERSION.xml). */
  ZooKeeperProcess(String version) throws Exception {
    jars = JARS.computeIfAbsent(version, ZooKeeperProcess::fetch);
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Files.write(folder.resolve("zoo.cfg"), ("tickTime=500\ndataDir=" + folder.resolve("data") + "\nclientPort=" + port
        + "\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n")
            .getBytes(StandardCharsets.UTF_8));
    start();
  }

  private static String fetch(String version) {
    try {
      Process fetch = new ProcessBuilder(Paths.get("../../tools/jars/fetch").toString(), "zookeeper-" + version)
          .redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String printed = new String(fetch.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
      if (fetch.waitFor() != 0 || printed.isEmpty()) {
        throw new IllegalStateException("tools/jars/fetch zookeeper-" + version + " failed");
      }
      return printed;
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  String quorum() {
    return "127.0.0.1:" + port;
  }

  void start() throws Exception {
    process = new ProcessBuilder(Paths.get(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m",
        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync=no", "-cp", jars + "/*",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain", folder.resolve("zoo.cfg").toString())
            .redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    await("the server answers", () -> answers() || !process.isAlive());
    if (!process.isAlive()) {
      throw new IllegalStateException(Files.readString(folder.resolve("log")));
    }
  }

  private boolean answers() {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(1000);
      socket.getOutputStream().write("ruok".getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).equals("imok");
    } catch (IOException notYet) {
      return false;
    }
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** A session for writing, of the plain client: every server version knows its requests. */
  ZooKeeper session() throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper session = new ZooKeeper(quorum(), 10_000, event -> {
      if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
        connected.countDown();
      }
    });
    if (!connected.await(15, TimeUnit.SECONDS)) {
      throw new IllegalStateException("no session");
    }
    return session;
  }

  interface Condition {
    boolean holds() throws Exception;
  }

  static void await(String what, Condition condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.holds()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError(what + ": not within 30 s");
      }
      Thread.sleep(5); // polls: the condition lies in another process or thread
    }
  }

  @Override
  public void close() throws Exception {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    }
  }
}
