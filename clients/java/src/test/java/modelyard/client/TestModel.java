// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A model that behaves as told, over a real socket. */
final class TestModel implements AutoCloseable {
  interface Behaviour {
    void answer(TestModel model, OutputStream out) throws Exception;
  }

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Behaviour behaviour;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  final List<String> requests = new CopyOnWriteArrayList<>();
  final AtomicInteger connections = new AtomicInteger();
  final CountDownLatch ended = new CountDownLatch(1);

  TestModel(Behaviour behaviour) throws IOException {
    this.behaviour = behaviour;
    start(this::accept);
  }

  static Behaviour says(int status, String body) {
    return (model, out) -> out.write(("HTTP/1.1 " + status + " X\r\nContent-Type: application/json\r\nContent-Length: "
        + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
  }

  static Behaviour raw(String bytes) {
    return (model, out) -> {
      out.write(bytes.getBytes(StandardCharsets.UTF_8));
      throw new IOException("closes");
    };
  }

  /** Until the test ends. */
  static Behaviour hangs() {
    return (model, out) -> model.ended.await();
  }

  String url() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  Endpoint endpoint(String name, String version, String id) {
    return new Endpoint(name, version, id, url(), java.util.Map.of("apply", "apply"));
  }

  private static void start(Runnable run) {
    Thread thread = new Thread(run, "model");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        connections.incrementAndGet();
        sockets.add(socket);
        start(() -> serve(socket));
      }
    } catch (IOException closed) {
      // The test ended.
    }
  }

  private void serve(Socket socket) {
    try (Socket open = socket) {
      while (true) {
        StringBuilder head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
          int c = open.getInputStream().read();
          if (c < 0) {
            return;
          }
          head.append((char) c);
        }
        requests.add(head.toString());
        behaviour.answer(this, open.getOutputStream());
        open.getOutputStream().flush();
      }
    } catch (Exception closes) {
      // As the behaviour says.
    }
  }

  @Override
  public void close() throws IOException {
    ended.countDown();
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
