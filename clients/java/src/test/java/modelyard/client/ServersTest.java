// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import static modelyard.client.ZooKeeperProcess.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against real ZooKeeper servers of the oldest and the newest line. */
class ServersTest {
  private ZooKeeperProcess server;
  private ZooKeeper writer;

  private void begin(String version) throws Exception {
    server = new ZooKeeperProcess(version);
    writer = server.session();
  }

  @AfterEach
  void end() throws Exception {
    curators.forEach(CuratorFramework::close);
    writer.close();
    server.close();
  }

  private static void create(ZooKeeper session, String path, String data, CreateMode mode) throws Exception {
    for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      try {
        session.create(path.substring(0, slash), new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
      } catch (KeeperException.NodeExistsException there) {
        // As wanted.
      }
    }
    session.create(path, data.getBytes(StandardCharsets.UTF_8), ZooDefs.Ids.OPEN_ACL_UNSAFE, mode);
  }

  private void register(String name, String version, String id, String url) throws Exception {
    create(writer, "/maas/service/" + name + "/" + id, WireTest.node(name, version, id, url), CreateMode.PERSISTENT);
  }

  private void change(String name, String version, String id, String url) throws Exception {
    writer.setData("/maas/service/" + name + "/" + id, WireTest.bytes(WireTest.node(name, version, id, url)), -1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void followsWhatIsRegistered(String version) throws Exception {
    begin(version);
    try (ModelClient client = ModelClient.connect(server.quorum())) {
      assertEquals(0, client.snapshot().size(), "nothing exists yet, not even the root");
      List<String> told = new CopyOnWriteArrayList<>();
      client.addListener(new EndpointListener() {
        @Override
        public void added(Endpoint endpoint) {
          told.add("added " + endpoint);
          throw new IllegalStateException("a listener that fails harms no one");
        }

        @Override
        public void removed(Endpoint endpoint) {
          told.add("removed " + endpoint);
        }

        @Override
        public void changed(Endpoint before, Endpoint after) {
          told.add("changed " + before.url() + " " + after.url());
        }
      });
      register("dga", "9.0", "c1", "http://h:1");
      register("dga", "10.0", "c2", "http://h:2");
      await("both are there", () -> client.snapshot().size() == 2);
      assertEquals("c2", client.choose("dga").id());
      assertEquals("c1", client.choose("dga", "9.0").id());
      change("dga", "10.0", "c2", "http://h:3");
      await("it changed", () -> client.choose("dga").url().equals("http://h:3"));
      create(writer, "/maas/service/dga/odd", "{\"half\":", CreateMode.PERSISTENT);
      await("the malformed one is reported", () -> client.snapshot().malformed().containsKey("/maas/service/dga/odd"));
      writer.delete("/maas/service/dga/odd", -1);
      writer.delete("/maas/service/dga/c1", -1);
      await("one is gone", () -> client.snapshot().size() == 1 && client.snapshot().malformed().isEmpty());
      assertEquals(List.of("added dga@9.0, instance c1 at http://h:1", "added dga@10.0, instance c2 at http://h:2",
          "changed http://h:2 http://h:3", "removed dga@9.0, instance c1 at http://h:1"), told);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void followsTheConfiguration(String version) throws Exception {
    begin(version);
    create(writer, "/metron/maas/config", "{\"serviceRoot\":\"/other\",\"unknown\":1}", CreateMode.PERSISTENT);
    create(writer, "/other/m/c1", WireTest.node("m", "1", "c1", "http://h:1"), CreateMode.PERSISTENT);
    create(writer, "/third/m/c2", WireTest.node("m", "1", "c2", "http://h:2"), CreateMode.PERSISTENT);
    try (ModelClient client = ModelClient.connect(server.quorum())) {
      assertEquals("c1", client.choose("m").id());
      writer.setData("/metron/maas/config", WireTest.bytes("rubbish"), -1);
      writer.setData("/metron/maas/config", WireTest.bytes("{\"serviceRoot\":\"/third\"}"), -1);
      await("the new root's", () -> client.snapshot().endpoints("m", "1").toString().contains("c2"));
      assertEquals(1, client.snapshot().size());
      writer.setData("/metron/maas/config", WireTest.bytes("{\"serviceRoot\":7}"), -1);
      create(writer, "/third/m/c3", WireTest.node("m", "1", "c3", "http://h:3"), CreateMode.PERSISTENT);
      await("a wrong configuration changes nothing", () -> client.snapshot().size() == 2);
    }
    ModelException wrong =
        assertThrows(ModelException.class, () -> ModelClient.connect(curator(), "/metron/maas/config", Duration.ofSeconds(2)));
    assertEquals(ModelException.Reason.INVALID, wrong.reason(), wrong.getMessage());
    assertTrue(wrong.getMessage().contains("/metron/maas/config: serviceRoot is no text"), wrong.getMessage());
  }

  private final List<CuratorFramework> curators = new ArrayList<>();

  private CuratorFramework curator() {
    CuratorFramework curator = CuratorFrameworkFactory.newClient(server.quorum(), 4_000, 2_000, new RetryForever(50));
    curator.start();
    curators.add(curator);
    return curator;
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void pushesAtOnce(String version) throws Exception {
    begin(version);
    register("m", "1", "c1", "http://h:0");
    try (ModelClient client = ModelClient.connect(server.quorum())) {
      BlockingQueue<Long> times = new LinkedBlockingQueue<>();
      client.addListener(new EndpointListener() {
        @Override
        public void changed(Endpoint before, Endpoint after) {
          times.add(System.nanoTime());
        }
      });
      List<Long> micros = new ArrayList<>();
      for (int i = 1; i <= 200; ++i) {
        long begin = System.nanoTime();
        change("m", "1", "c1", "http://h:" + i);
        Long at = times.poll(10, TimeUnit.SECONDS);
        assertNotNull(at, "change " + i + " was not told");
        micros.add(TimeUnit.NANOSECONDS.toMicros(at - begin));
      }
      Collections.sort(micros);
      System.out.printf("push, ZooKeeper %s: p50 %d us, p99 %d us%n", version, micros.get(100), micros.get(198));
      assertTrue(micros.get(180) < 500_000, "p90 is " + micros.get(180) + " us");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void keepsItsSnapshotWhileZooKeeperIsAway(String version) throws Exception {
    begin(version);
    try (TestModel model = new TestModel(TestModel.says(200, "{\"n\":1}"));
        ModelClient client = connectedTo(model)) {
      server.kill();
      await("it is noticed", () -> !client.connected());
      for (int i = 0; i < 200; ++i) {
        assertEquals(1L, client.call("m", null, "apply", Map.of()).fields().get("n"));
      }
      assertEquals(1, client.snapshot().size());
      server.start();
      await("it is connected again", client::connected);
      await("the writer's session too", () -> {
        try {
          register("m", "2", "c2", "http://h:2");
          return true;
        } catch (KeeperException.ConnectionLossException notYet) {
          return false;
        } catch (KeeperException.NodeExistsException lostReply) {
          return true;
        }
      });
      await("news arrive again", () -> client.snapshot().size() == 2);
    }
  }

  private ModelClient connectedTo(TestModel model) throws Exception {
    register("m", "1", "c1", model.url());
    ModelClient client = ModelClient.connect(curator(), ModelClient.DEFAULT_ZK_ROOT, Duration.ofSeconds(10));
    assertEquals(1, client.snapshot().size());
    return client;
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void survivesTheEndOfItsSession(String version) throws Exception {
    begin(version);
    register("m", "1", "c1", "http://h:1");
    CuratorFramework curator = curator();
    try (ModelClient client = ModelClient.connect(curator, ModelClient.DEFAULT_ZK_ROOT, Duration.ofSeconds(10))) {
      AtomicInteger smallest = new AtomicInteger(1);
      client.addListener(new EndpointListener() {
        @Override
        public void updated(Snapshot snapshot) {
          smallest.accumulateAndGet(snapshot.size(), Math::min);
        }
      });
      ZooKeeper session = curator.getZookeeperClient().getZooKeeper();
      long id = session.getSessionId();
      ZooKeeper thief = new ZooKeeper(server.quorum(), 10_000, event -> {}, id, session.getSessionPasswd());
      await("the session is taken over", () -> thief.getState().isConnected());
      thief.close(); // ends it for both
      register("m", "1", "c2", "http://h:2");
      await("another session", () -> curator.getZookeeperClient().isConnected()
          && curator.getZookeeperClient().getZooKeeper().getSessionId() != id);
      await("what happened meanwhile is there", () -> client.snapshot().size() == 2);
      register("m", "1", "c3", "http://h:3");
      await("and what happens now", () -> client.snapshot().size() == 3);
      assertEquals(1, smallest.get());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void endpointsThatGoWithTheirSessionAreALastResort(String version) throws Exception {
    begin(version);
    ZooKeeper runner = server.session();
    try (TestModel model = new TestModel(TestModel.says(200, "{}"))) {
      create(runner, "/maas/service/m/c1", WireTest.node("m", "1", "c1", model.url()), CreateMode.EPHEMERAL);
      create(runner, "/maas/service/m/c2", WireTest.node("m", "1", "c2", model.url()), CreateMode.EPHEMERAL);
      try (ModelClient client = ModelClient.connect(server.quorum())) {
        assertEquals(2, client.snapshot().size());
        runner.close();
        await("both are gone", () -> client.snapshot().size() == 0);
        assertNotNull(client.call("m", "1", "apply", Map.of()), "they still answer");
        model.close();
        // A connection that is kept may be answered once more by the server that closes.
        await("the model does not answer", () -> {
          try {
            client.call("m", "1", "apply", Map.of());
            return false;
          } catch (ModelException expected) {
            return true;
          }
        });
        ModelException gone = assertThrows(ModelException.class, () -> client.call("m", "1", "apply", Map.of()));
        assertEquals(ModelException.Reason.NOT_FOUND, gone.reason(), "they do not, and are forgotten");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.4", "3.9"})
  void aThousandEndpoints(String version) throws Exception {
    begin(version);
    create(writer, "/maas/service/m0/odd", "rubbish", CreateMode.PERSISTENT);
    for (int i = 0; i < 1000; ++i) {
      String name = "m" + i % 10;
      if (i < 10) {
        register(name, "1", "c" + i, "http://h:" + i);
      } else {
        String path = "/maas/service/" + name + "/c" + i;
        writer.create(path, WireTest.bytes(WireTest.node(name, "1", "c" + i, "http://h:" + i)),
            ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (rc, p, context, made) -> {}, null);
      }
    }
    await("all are written", () -> writer.getChildren("/maas/service/m9", false).size() == 100);
    long begin = System.nanoTime();
    try (ModelClient client = ModelClient.connect(server.quorum())) {
      System.out.printf("1,000 endpoints, ZooKeeper %s: read in %d ms%n", version,
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
      assertEquals(1000, client.snapshot().size());
      assertEquals(Set.of("/maas/service/m0/odd"), client.snapshot().malformed().keySet());
      AtomicReference<Endpoint> told = new AtomicReference<>();
      AtomicInteger calls = new AtomicInteger();
      client.addListener(new EndpointListener() {
        @Override
        public void changed(Endpoint before, Endpoint after) {
          calls.incrementAndGet();
          told.set(after);
        }
      });
      List<Endpoint> untouched = client.snapshot().endpoints("m4", "1");
      change("m5", "1", "c555", "http://other:1");
      await("the one change is told", () -> told.get() != null);
      assertEquals("c555", told.get().id());
      assertEquals(1, calls.get());
      assertTrue(untouched == client.snapshot().endpoints("m4", "1"), "other models are not made anew");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.9"})
  void callsAnotherInstanceWhereOneFails(String version) throws Exception {
    begin(version);
    try (TestModel good = new TestModel(TestModel.says(200, "{\"by\":\"good\"}"));
        TestModel broken = new TestModel(TestModel.says(503, "overloaded"));
        TestModel hung = new TestModel(TestModel.hangs())) {
      register("m", "1", "good", good.url());
      register("m", "1", "broken", broken.url());
      register("h", "1", "hung", hung.url());
      register("b", "1", "broken2", broken.url());
      try (ModelClient client = ModelClient.connect(server.quorum())) {
        for (int i = 0; i < 100; ++i) {
          assertEquals("good", client.call("m", null, "apply", Map.of(), Duration.ofSeconds(10)).fields().get("by"));
        }
        assertTrue(broken.requests.size() < 10, "it was set aside, not asked " + broken.requests.size() + " times");
        long begin = System.nanoTime();
        ModelException late =
            assertThrows(ModelException.class, () -> client.call("h", "1", "apply", Map.of(), Duration.ofMillis(300)));
        assertEquals(ModelException.Reason.DEADLINE, late.reason());
        assertTrue(System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(2));
        ModelException failed = assertThrows(ModelException.class, () -> client.call("b", null, "apply", Map.of()));
        assertEquals("b@1, instance broken2 at " + broken.url() + ": it answered 503: overloaded", failed.getMessage());
        assertEquals(ModelException.Reason.NOT_FOUND,
            assertThrows(ModelException.class, () -> client.call("none", null, "apply", Map.of())).reason());
        assertEquals("no instance of version 7 of m is registered",
            assertThrows(ModelException.class, () -> client.call("m", "7", "apply", Map.of())).getMessage());
        Thread.currentThread().interrupt();
        assertEquals(ModelException.Reason.CANCELLED,
            assertThrows(ModelException.class, () -> client.call("h", null, "apply", Map.of())).reason());
        assertTrue(Thread.interrupted());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.9"})
  void saysWhyItCannotBegin(String version) throws Exception {
    begin(version);
    server.kill();
    CuratorFramework curator = curator();
    ModelException away = assertThrows(ModelException.class,
        () -> ModelClient.connect(curator, ModelClient.DEFAULT_ZK_ROOT, Duration.ofMillis(500)));
    assertEquals(ModelException.Reason.UNAVAILABLE, away.reason());
    assertEquals(server.quorum() + ": ZooKeeper was not reached", away.getMessage());
    server.start();
    try (ModelClient client = ModelClient.connect(curator, ModelClient.DEFAULT_ZK_ROOT, Duration.ofSeconds(20))) {
      assertFalse(client.snapshot().models().containsKey("m"));
    }
  }
}
