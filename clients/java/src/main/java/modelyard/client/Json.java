// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A reader of RFC 8259 JSON, so that the jar asks for no particular Jackson. Later keys win; depth is bounded. */
final class Json {
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String message) {
      super(message, null, false, false);
    }
  }

  private static final int DEPTH_MAX = 100;

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** One value and nothing behind it. */
  static Object parse(String text) throws Malformed {
    Json json = new Json(text);
    if (text.startsWith("\uFEFF")) {
      json.at = 1;
    }
    Object value = json.value(0);
    json.blanks();
    if (json.at != text.length()) {
      throw json.malformed("nothing more was expected");
    }
    return value;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> parseObject(String text) throws Malformed {
    Object value = parse(text);
    if (!(value instanceof Map)) {
      throw new Malformed("it is no JSON object");
    }
    return (Map<String, Object>) value;
  }

  private Malformed malformed(String what) {
    return new Malformed("no JSON at character " + at + ": " + what);
  }

  private void blanks() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      ++at;
    }
  }

  private char peek() throws Malformed {
    if (at >= text.length()) {
      throw malformed("it ends too early");
    }
    return text.charAt(at);
  }

  private Object value(int depth) throws Malformed {
    if (depth > DEPTH_MAX) {
      throw malformed("it is nested too deep");
    }
    blanks();
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return word("true", Boolean.TRUE);
      case 'f':
        return word("false", Boolean.FALSE);
      case 'n':
        return word("null", null);
      default:
        return number();
    }
  }

  private Object word(String word, Object value) throws Malformed {
    if (!text.startsWith(word, at)) {
      throw malformed("a value was expected");
    }
    at += word.length();
    return value;
  }

  private Map<String, Object> object(int depth) throws Malformed {
    Map<String, Object> out = new LinkedHashMap<>();
    ++at;
    blanks();
    if (peek() == '}') {
      ++at;
      return out;
    }
    while (true) {
      blanks();
      if (peek() != '"') {
        throw malformed("a key was expected");
      }
      String key = string();
      blanks();
      if (peek() != ':') {
        throw malformed("':' was expected");
      }
      ++at;
      out.put(key, value(depth + 1));
      blanks();
      char next = peek();
      ++at;
      if (next == '}') {
        return out;
      }
      if (next != ',') {
        --at;
        throw malformed("',' or '}' was expected");
      }
    }
  }

  private List<Object> array(int depth) throws Malformed {
    List<Object> out = new ArrayList<>();
    ++at;
    blanks();
    if (peek() == ']') {
      ++at;
      return out;
    }
    while (true) {
      out.add(value(depth + 1));
      blanks();
      char next = peek();
      ++at;
      if (next == ']') {
        return out;
      }
      if (next != ',') {
        --at;
        throw malformed("',' or ']' was expected");
      }
    }
  }

  private String string() throws Malformed {
    ++at;
    int begin = at;
    while (peek() != '"' && peek() != '\\' && peek() >= ' ') {
      ++at;
    }
    if (peek() == '"') {
      return text.substring(begin, at++);
    }
    StringBuilder out = new StringBuilder(text.substring(begin, at));
    while (true) {
      char c = peek();
      ++at;
      if (c == '"') {
        return out.toString();
      }
      if (c < ' ') {
        throw malformed("a control character in a string");
      }
      out.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() throws Malformed {
    char c = peek();
    ++at;
    switch (c) {
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case '"':
      case '\\':
      case '/':
        return c;
      case 'u':
        int code = 0;
        for (int i = 0; i < 4; ++i, ++at) {
          char digit = peek();
          int value = digit < 0x80 ? Character.digit(digit, 16) : -1;
          if (value < 0) {
            throw malformed("four hexadecimal digits were expected");
          }
          code = code * 16 + value;
        }
        return (char) code;
      default:
        throw malformed("an unknown escape");
    }
  }

  private Object number() throws Malformed {
    int begin = at;
    boolean whole = true;
    if (peek() == '-') {
      ++at;
    }
    if (at < text.length() && text.charAt(at) == '0') {
      ++at;
    } else {
      digits();
    }
    if (at < text.length() && text.charAt(at) == '.') {
      whole = false;
      ++at;
      digits();
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      whole = false;
      ++at;
      if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
        ++at;
      }
      digits();
    }
    String number = text.substring(begin, at);
    if (whole) {
      try {
        return Long.parseLong(number);
      } catch (NumberFormatException beyond) {
        return Double.parseDouble(number);
      }
    }
    return Double.parseDouble(number);
  }

  private void digits() throws Malformed {
    int begin = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      ++at;
    }
    if (at == begin) {
      throw malformed("a value was expected");
    }
  }
}
