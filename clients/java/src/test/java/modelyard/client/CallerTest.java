// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CallerTest {
  private final Caller caller = new Caller(run -> {
    Thread thread = new Thread(run);
    thread.setDaemon(true);
    return thread;
  });

  @AfterEach
  void close() {
    caller.close();
  }

  private Answer call(String url, long millis) throws Exception {
    Endpoint endpoint = new Endpoint("dga", "1.0", "c1", url, Map.of("apply", "apply"));
    String target = Wire.target(endpoint, "apply", ModelClient.arguments("host", "a b"));
    return caller.call(endpoint, target, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis));
  }

  @Test
  void speaksTheModelContractOverKeptConnections() throws Exception {
    try (TestModel model = new TestModel(TestModel.says(200, "{\"is_malicious\":\"legit\"}"))) {
      for (int i = 0; i < 20; ++i) {
        Answer answer = call(model.url() + "/", 5000);
        assertEquals("{\"is_malicious\":\"legit\"}", answer.body());
        assertEquals(Map.of("is_malicious", "legit"), answer.fields());
        assertEquals("c1", answer.endpoint().id());
      }
      assertTrue(model.requests.get(0).startsWith("GET /apply?host=a+b HTTP/1.1\r\n"), model.requests.get(0));
      assertTrue(model.requests.get(0).contains("\r\nAccept: application/json\r\n"), model.requests.get(0));
      assertEquals(1, model.connections.get());
    }
  }

  static Stream<Arguments> badAnswers() {
    String endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    return Stream.of(
        Arguments.of("not found blames the caller", TestModel.says(404, "no such path\nmore"), ModelException.Reason.FAILED, false, "answered 404: no such path"),
        Arguments.of("server error", TestModel.says(500, ""), ModelException.Reason.FAILED, true, "answered 500"),
        Arguments.of("redirect is not followed", TestModel.says(302, ""), ModelException.Reason.FAILED, false, "answered 302"),
        Arguments.of("no object", TestModel.says(200, "[1]"), ModelException.Reason.PROTOCOL, true, "no JSON object"),
        Arguments.of("rubbish body", TestModel.says(200, "<html>"), ModelException.Reason.PROTOCOL, true, "no JSON"),
        Arguments.of("no HTTP", TestModel.raw("SSH-2.0-x\r\n"), ModelException.Reason.UNAVAILABLE, true, ""),
        Arguments.of("ends at once", TestModel.raw(""), ModelException.Reason.UNAVAILABLE, true, ""),
        Arguments.of("ends in the body", TestModel.raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), ModelException.Reason.UNAVAILABLE, true, ""),
        Arguments.of("silent", TestModel.hangs(), ModelException.Reason.DEADLINE, true, "no answer in time"),
        Arguments.of("hangs in the body", (TestModel.Behaviour) (model, out) -> {
          out.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".getBytes());
          out.flush();
          model.ended.await();
        }, ModelException.Reason.DEADLINE, true, "no answer in time"),
        Arguments.of("trickles", (TestModel.Behaviour) (model, out) -> {
          out.write("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n{".getBytes());
          while (!model.ended.await(20, TimeUnit.MILLISECONDS)) {
            out.write(' ');
            out.flush();
          }
        }, ModelException.Reason.DEADLINE, true, "no answer in time"),
        Arguments.of("endless", (TestModel.Behaviour) (model, out) -> {
          out.write(endless.getBytes());
          byte[] chunk = ("100000\r\n" + " ".repeat(0x100000) + "\r\n").getBytes();
          while (model.ended.getCount() > 0) {
            out.write(chunk);
          }
        }, ModelException.Reason.TOO_LARGE, false, "16 MiB"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badAnswers")
  void badAnswersAreErrorsThatSayWhoseFault(String name, TestModel.Behaviour behaviour, ModelException.Reason reason,
      boolean ofInstance, String says) throws Exception {
    try (TestModel model = new TestModel(behaviour)) {
      long millis = reason == ModelException.Reason.DEADLINE ? 300 : 10_000;
      long begin = System.nanoTime();
      Caller.Failure failure = assertThrows(Caller.Failure.class, () -> call(model.url(), millis));
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
      assertEquals(reason, failure.reason, failure.getMessage());
      assertEquals(ofInstance, failure.ofInstance);
      assertEquals(false, failure.unreachable);
      assertTrue(failure.getMessage().contains(says), failure.getMessage());
      assertTrue(reason != ModelException.Reason.DEADLINE || took < 1500, "it took " + took + " ms");
    }
  }

  @Test
  void nobodyThereIsUnreachable() throws Exception {
    String url;
    try (TestModel gone = new TestModel(TestModel.hangs())) {
      url = gone.url();
    }
    Caller.Failure failure = assertThrows(Caller.Failure.class, () -> call(url, 5000));
    assertEquals(ModelException.Reason.UNAVAILABLE, failure.reason);
    assertTrue(failure.unreachable);
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(strings = {"grpc://h:1", "", "http:///x", "h:1", "https://h:1", "file:///etc/passwd"})
  void otherUrlsAreNotCalled(String url) {
    Caller.Failure failure = assertThrows(Caller.Failure.class, () -> call(url, 5000));
    assertEquals(ModelException.Reason.UNSUPPORTED, failure.reason);
    assertEquals(false, failure.ofInstance);
  }

  @Test
  void aClosedCallerSaysSo() throws IOException {
    caller.close();
    Caller.Failure failure = assertThrows(Caller.Failure.class, () -> call("http://127.0.0.1:1", 100));
    assertEquals(ModelException.Reason.CANCELLED, failure.reason);
  }
}
