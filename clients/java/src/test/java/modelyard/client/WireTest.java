// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WireTest {
  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** An endpoint node as the reference and Modelyard write it. */
  static String node(String name, String version, String id, String url) {
    return "{\"name\":\"" + name + "\",\"id\":\"" + id + "\",\"address\":\"node1\",\"port\":50959,\"sslPort\":null,"
        + "\"payload\":{\"@class\":\"org.apache.metron.maas.config.ModelEndpoint\",\"endpoint\":{\"url\":\"" + url
        + "\",\"functions\":{\"apply\":\"apply\"}},\"name\":\"" + name + "\",\"version\":\"" + version
        + "\",\"containerId\":\"" + id + "\"},\"registrationTimeUTC\":1795394649215,\"serviceType\":\"DYNAMIC\","
        + "\"uriSpec\":null}";
  }

  @Test
  void readsAnEndpointAsItIsRegistered() throws Exception {
    Endpoint read = Wire.endpoint(bytes(node("dga", "2.0", "container_9_9", "http://node1:50959")), "dga", "container_9_9");
    assertEquals(new Endpoint("dga", "2.0", "container_9_9", "http://node1:50959", Map.of("apply", "apply")), read);
  }

  @Test
  void toleratesWhatItDoesNotKnowAndWhatIsAbsent() throws Exception {
    Endpoint read = Wire.endpoint(bytes("{\"payload\":{\"endpoint\":{\"url\":\"http://h:1\",\"new\":[1]},\"version\":\"1\",\"weight\":3},"
        + "\"more\":{}}"), "dga", "c1");
    assertEquals(new Endpoint("dga", "1", "c1", "http://h:1", Map.of("apply", "apply")), read);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "rubbish", "[]", "{}", "{\"payload\":null}", "{\"payload\":{\"endpoint\":{}}}",
      "{\"payload\":{\"endpoint\":{\"url\":\"http://h:1\"}}}", "{\"payload\":{\"endpoint\":{\"url\":7},\"version\":\"1\"}}",
      "{\"payload\":{\"endpoint\":{\"url\":\"http://h:1\",\"functions\":[]},\"version\":\"1\"}}",
      "{\"payload\":{\"endpoint\":{\"url\":\"http://h:1\",\"functions\":{\"a\":1}},\"version\":\"1\"}}"})
  void saysWhatIsMalformed(String data) {
    assertThrows(Json.Malformed.class, () -> Wire.endpoint(bytes(data), "dga", "c1"));
  }

  @Test
  void findsTheServiceRoot() throws Exception {
    assertEquals("/maas/service", Wire.serviceRoot(null));
    assertEquals("/maas/service", Wire.serviceRoot(bytes("{}")));
    assertEquals("/a/b", Wire.serviceRoot(bytes("{\"queue\":\"ZOOKEEPER\",\"serviceRoot\":\"/a/b/\"}")));
    assertThrows(Json.Malformed.class, () -> Wire.serviceRoot(bytes("{\"serviceRoot\":\"a\"}")));
    assertThrows(Json.Malformed.class, () -> Wire.serviceRoot(bytes("nonsense")));
  }

  @ParameterizedTest
  @CsvSource({
    "http://h:1, apply, http://h:1/v2/go?host=ya+hoo.com%26x%3D%C3%A9*-._",
    "http://h:1/base/, /other, http://h:1/base/other?host=ya+hoo.com%26x%3D%C3%A9*-._",
    "http://h:1/a?k=v, x y, http://h:1/a?k=v/x%20y&host=ya+hoo.com%26x%3D%C3%A9*-._",
  })
  void makesTheTarget(String url, String function, String expected) {
    Endpoint endpoint = new Endpoint("m", "1", "c", url, Map.of("apply", "/v2/go"));
    assertEquals(expected, Wire.target(endpoint, function, ModelClient.arguments("host", "ya hoo.com&x=\u00e9*-._", "none", null)));
  }
}
