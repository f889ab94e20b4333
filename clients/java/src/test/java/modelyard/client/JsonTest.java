// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsEveryKindOfValue() throws Exception {
    Map<String, Object> read = Json.parseObject(
        " {\"a\":[1,-2.5e3,true,false,null,{}],\"b\\u00e9\\n\":\"x\\\"\\\\\\/\\ud83d\\ude00\",\"a\":[],\"n\":12345678901234567890} ");
    assertEquals(List.of(), read.get("a"));
    assertEquals("x\"\\/\uD83D\uDE00", read.get("b\u00e9\n"));
    assertEquals(1.2345678901234567e19, read.get("n"));
    assertEquals(List.of(1L, -2500.0, true), Json.parse("[1,-2.5e3,true]"));
    assertEquals("", Json.parse("\uFEFF\"\""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "{\"a\"", "{\"a\":}", "{a:1}", "[1,]", "[1 2]", "\"\\x\"", "\"\\u12g4\"", "\"a", "01", "1.", "-",
      "1e", "+1", "tru", "nul", "{} {}", "\"\n\"", "{\"a\":1,}", "'a'", "NaN"})
  void refusesWhatIsNone(String text) {
    assertThrows(Json.Malformed.class, () -> Json.parse(text));
  }

  @Test
  void boundsTheDepth() {
    assertThrows(Json.Malformed.class, () -> Json.parse("[".repeat(100_000)));
    assertThrows(Json.Malformed.class, () -> Json.parseObject("[]"));
  }
}
