// SPDX-License-Identifier: Apache-2.0
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executors;

/** A name with five or more consonants in a row was hardly chosen by a person. */
public final class Model {
  private static final String CONSONANTS = "bcdfghjklmnpqrstvwxz";
  private static final int SUSPICIOUS_RUN = 5;

  static int longestConsonantRun(String host) {
    int end = host.lastIndexOf('.');
    int longest = 0;
    int run = 0;
    for (char letter : (end < 0 ? host : host.substring(0, end)).toLowerCase(Locale.ROOT).toCharArray()) {
      run = CONSONANTS.indexOf(letter) >= 0 ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  static Optional<String> parameter(String query, String name) {
    if (query == null) {
      return Optional.empty();
    }
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      if (parts.length == 2 && parts[0].equals(name) && !parts[1].isEmpty()) {
        return Optional.of(URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
      }
    }
    return Optional.empty();
  }

  static void reply(HttpExchange exchange, int status, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  static void apply(HttpExchange exchange) throws IOException {
    try (exchange) {
      Optional<String> host;
      try {
        host = parameter(exchange.getRequestURI().getRawQuery(), "host");
      } catch (IllegalArgumentException brokenEscape) {
        reply(exchange, 400, "{\"error\":\"the argument host is not URL-encoded\"}");
        return;
      }
      if (host.isEmpty()) {
        reply(exchange, 400, "{\"error\":\"the argument host is missing\"}");
        return;
      }
      int run = longestConsonantRun(host.get());
      String verdict = run >= SUSPICIOUS_RUN ? "malicious" : "legit";
      reply(exchange, 200, "{\"is_malicious\":\"" + verdict + "\",\"longest_consonant_run\":" + run + "}");
    }
  }

  /** The rename makes the file appear complete or not at all. */
  static void announce(String url) throws IOException {
    Path draft = Path.of("endpoint.dat.new");
    Files.writeString(draft, "{\"url\":\"" + url + "\",\"functions\":{\"apply\":\"apply\"}}\n");
    Files.move(draft, Path.of("endpoint.dat"), StandardCopyOption.ATOMIC_MOVE);
  }

  public static void main(String[] arguments) throws IOException {
    String address = System.getenv().getOrDefault("BIND_ADDRESS", "127.0.0.1");
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), 0), 128);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/apply", Model::apply);
    server.start();
    announce("http://" + address + ":" + server.getAddress().getPort());
  }
}
