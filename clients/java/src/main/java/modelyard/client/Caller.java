// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.MalformedURLException;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Calls an endpoint over HTTP. The exchange runs on a thread of its own, so that the caller has its answer or its error
 * at the deadline whatever the model does; a thread that is left behind ends within one more deadline. Thread-safe.
 */
final class Caller implements AutoCloseable {
  static final int BODY_MAX = 16 << 20;
  private static final int THREADS_MAX = 1000;

  private final ExecutorService threads;

  Caller(ThreadFactory factory) {
    threads = new ThreadPoolExecutor(0, THREADS_MAX, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), factory);
  }

  /** Whose fault a failure is, beside what is told to the caller. */
  static final class Failure extends Exception {
    private static final long serialVersionUID = 1;
    final ModelException.Reason reason;
    final boolean ofInstance;
    final boolean unreachable;

    Failure(ModelException.Reason reason, boolean ofInstance, boolean unreachable, String message) {
      super(message, null, false, false);
      this.reason = reason;
      this.ofInstance = ofInstance;
      this.unreachable = unreachable;
    }
  }

  /** GET target with accept: application/json; success is 200 with one JSON object. */
  Answer call(Endpoint endpoint, String target, long deadline) throws Failure, InterruptedException {
    URL url = parse(target);
    AtomicReference<HttpURLConnection> open = new AtomicReference<>();
    Future<Answer> future;
    try {
      future = threads.submit(() -> exchange(endpoint, url, deadline, open));
    } catch (RejectedExecutionException full) {
      if (threads.isShutdown()) {
        throw new Failure(ModelException.Reason.CANCELLED, false, false, "the client is closed");
      }
      throw new Failure(ModelException.Reason.UNAVAILABLE, false, false, THREADS_MAX + " calls are in flight already");
    }
    try {
      return future.get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      throw new Failure(ModelException.Reason.DEADLINE, true, false, "no answer in time");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Failure) {
        throw (Failure) e.getCause();
      }
      throw new Failure(ModelException.Reason.PROTOCOL, true, false, String.valueOf(e.getCause()));
    } finally {
      future.cancel(true);
      HttpURLConnection connection = open.get();
      if (connection != null && !threads.isShutdown()) {
        abandon(connection);
      }
    }
  }

  // Closing may wait for the thread that reads: not the caller's time.
  private void abandon(HttpURLConnection connection) {
    try {
      threads.execute(connection::disconnect);
    } catch (RejectedExecutionException full) {
      // It ends by its own time-outs.
    }
  }

  private static URL parse(String target) throws Failure {
    try {
      URL url = new URL(target);
      if (!url.getProtocol().equals("http") || url.getHost().isEmpty()) {
        throw new Failure(ModelException.Reason.UNSUPPORTED, false, false, "its url is none of HTTP");
      }
      return url;
    } catch (MalformedURLException e) {
      throw new Failure(ModelException.Reason.UNSUPPORTED, false, false, "its url is none: " + e.getMessage());
    }
  }

  private static int millisLeft(long deadline) {
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
  }

  private static Answer exchange(Endpoint endpoint, URL url, long deadline, AtomicReference<HttpURLConnection> open)
      throws Failure {
    boolean connected = false;
    HttpURLConnection connection = null;
    try {
      connection = (HttpURLConnection) url.openConnection(Proxy.NO_PROXY);
      connection.setInstanceFollowRedirects(false);
      connection.setUseCaches(false);
      connection.setRequestProperty("Accept", "application/json");
      connection.setConnectTimeout(millisLeft(deadline));
      connection.setReadTimeout(millisLeft(deadline));
      connection.connect();
      connected = true;
      open.set(connection);
      int status = connection.getResponseCode();
      InputStream stream = status < 400 ? connection.getInputStream() : connection.getErrorStream();
      String body = read(stream, connection.getContentLengthLong(), deadline);
      open.set(null); // read to its end: the connection serves the next call
      return judge(endpoint, status, body);
    } catch (SocketTimeoutException late) {
      ModelException.Reason reason = connected ? ModelException.Reason.DEADLINE : ModelException.Reason.UNAVAILABLE;
      throw new Failure(reason, true, !connected, connected ? "no answer in time" : "no connection in time");
    } catch (ConnectException e) { // also after a kept connection was found dead
      throw new Failure(ModelException.Reason.UNAVAILABLE, true, true, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new Failure(ModelException.Reason.UNAVAILABLE, true, !connected, String.valueOf(e.getMessage()));
    }
  }

  // HttpURLConnection takes a body that ends early for a whole one.
  private static String read(InputStream stream, long length, long deadline) throws IOException, Failure {
    if (stream == null) {
      return "";
    }
    try (InputStream in = stream) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] buffer = new byte[8192];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        out.write(buffer, 0, n);
        if (out.size() > BODY_MAX) {
          throw new Failure(ModelException.Reason.TOO_LARGE, false, false, "its answer is larger than 16 MiB");
        }
        if (deadline - System.nanoTime() < 0) {
          throw new SocketTimeoutException();
        }
      }
      if (out.size() < length) {
        throw new IOException("the connection ended in the answer");
      }
      return new String(out.toByteArray(), StandardCharsets.UTF_8);
    }
  }

  private static Answer judge(Endpoint endpoint, int status, String body) throws Failure {
    if (status < 100) {
      throw new Failure(ModelException.Reason.PROTOCOL, true, false, "its answer is no HTTP");
    }
    if (status != 200) {
      String line = body.split("\n", 2)[0].trim();
      String says = line.isEmpty() ? "" : ": " + line.substring(0, Math.min(line.length(), 200));
      throw new Failure(ModelException.Reason.FAILED, status >= 500, false, "it answered " + status + says);
    }
    try {
      Map<String, Object> fields = Json.parseObject(body);
      return new Answer(body, fields, endpoint);
    } catch (Json.Malformed e) {
      throw new Failure(ModelException.Reason.PROTOCOL, true, false, "its answer: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
