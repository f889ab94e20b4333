// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.io.UnsupportedEncodingException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/** What lies in ZooKeeper and goes over HTTP, as texts. Pure. */
final class Wire {
  static final String DEFAULT_SERVICE_ROOT = "/maas/service";

  private Wire() {}

  /** The node of an endpoint. Unknown keys are passed over, absent ones taken from where else they stand. */
  static Endpoint endpoint(byte[] data, String model, String node) throws Json.Malformed {
    if (data == null || data.length == 0) {
      throw new Json.Malformed("it is empty");
    }
    Map<String, Object> instance = Json.parseObject(new String(data, StandardCharsets.UTF_8));
    Map<String, Object> payload = object(instance, "payload");
    Map<String, Object> where = object(payload, "endpoint");
    String url = text(where, "url", null);
    String version = text(payload, "version", null);
    if (url == null || version == null) {
      throw new Json.Malformed(url == null ? "payload.endpoint.url is missing" : "payload.version is missing");
    }
    String name = text(payload, "name", text(instance, "name", model));
    String id = text(payload, "containerId", text(instance, "id", node));
    return new Endpoint(name, version, id, url, functions(where.get("functions")));
  }

  private static Map<String, String> functions(Object value) throws Json.Malformed {
    if (value == null) {
      return Collections.singletonMap("apply", "apply");
    }
    if (!(value instanceof Map)) {
      throw new Json.Malformed("payload.endpoint.functions is no object");
    }
    Map<String, String> out = new TreeMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
      if (!(entry.getValue() instanceof String)) {
        throw new Json.Malformed("a function of payload.endpoint.functions is no text");
      }
      out.put((String) entry.getKey(), (String) entry.getValue());
    }
    return out;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Map<String, Object> from, String key) throws Json.Malformed {
    Object value = from.get(key);
    if (!(value instanceof Map)) {
      throw new Json.Malformed(key + (value == null ? " is missing" : " is no object"));
    }
    return (Map<String, Object>) value;
  }

  private static String text(Map<String, Object> from, String key, String otherwise) throws Json.Malformed {
    Object value = from.get(key);
    if (value != null && !(value instanceof String)) {
      throw new Json.Malformed(key + " is no text");
    }
    return value == null || ((String) value).isEmpty() ? otherwise : (String) value;
  }

  /** serviceRoot of the configuration node; null data = the node is absent. */
  static String serviceRoot(byte[] data) throws Json.Malformed {
    if (data == null || data.length == 0) {
      return DEFAULT_SERVICE_ROOT;
    }
    String root = text(Json.parseObject(new String(data, StandardCharsets.UTF_8)), "serviceRoot", DEFAULT_SERVICE_ROOT);
    while (root.length() > 1 && root.endsWith("/")) {
      root = root.substring(0, root.length() - 1);
    }
    if (!root.startsWith("/") || root.length() < 2) {
      throw new Json.Malformed("serviceRoot is no absolute path: " + root);
    }
    return root;
  }

  /** "url/function?query": an alias first, then the text itself as a path. */
  static String target(Endpoint endpoint, String function, Map<String, String> arguments) {
    String path = endpoint.functions().getOrDefault(function, function);
    StringBuilder out = new StringBuilder(endpoint.url());
    if (out.length() > 0 && out.charAt(out.length() - 1) == '/') {
      out.setLength(out.length() - 1);
    }
    out.append('/');
    appendPath(out, path.startsWith("/") ? path.substring(1) : path);
    String query = query(arguments);
    if (!query.isEmpty()) {
      out.append(out.indexOf("?") < 0 ? '?' : '&').append(query);
    }
    return out.toString();
  }

  // Bytes that cannot stand in a request line.
  private static void appendPath(StringBuilder out, String path) {
    for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
      int c = b & 0xff;
      if (c <= ' ' || c >= 0x7f || "#\"<>\\^`".indexOf(c) >= 0) {
        out.append(String.format("%%%02X", c));
      } else {
        out.append((char) c);
      }
    }
  }

  /** Null values are left out. */
  static String query(Map<String, String> arguments) {
    StringBuilder out = new StringBuilder();
    for (Map.Entry<String, String> argument : arguments.entrySet()) {
      if (argument.getValue() != null) {
        out.append(out.length() == 0 ? "" : "&").append(encode(argument.getKey())).append('=');
        out.append(encode(argument.getValue()));
      }
    }
    return out.toString();
  }

  private static String encode(String text) {
    try {
      return URLEncoder.encode(text, "UTF-8");
    } catch (UnsupportedEncodingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
