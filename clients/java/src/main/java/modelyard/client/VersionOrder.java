// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import java.util.Comparator;
import java.util.Locale;

/**
 * The order of model versions, total over all texts: 10.0 comes after 9.0, 1.0-rc1 before 1.0, 1.0.1 after 1.0.
 *
 * <p>A version is cut into runs of digits and runs of other characters, with '.', '-', '_' and '+' between them. Two
 * numbers compare by value, a number comes after a word, two words compare ignoring ASCII case. Where one version has
 * no more runs, the longer is greater if its next run is a number and smaller if it is a word. Texts equal by these
 * rules are ordered by their characters.
 */
public final class VersionOrder implements Comparator<String> {
  /** The one instance. */
  public static final VersionOrder INSTANCE = new VersionOrder();

  private VersionOrder() {}

  @Override
  public int compare(String a, String b) {
    Runs left = new Runs(a);
    Runs right = new Runs(b);
    while (true) {
      String x = left.next();
      String y = right.next();
      if (x.isEmpty() && y.isEmpty()) {
        return a.compareTo(b);
      }
      if (x.isEmpty()) {
        return isDigit(y.charAt(0)) ? -1 : 1;
      }
      if (y.isEmpty()) {
        return isDigit(x.charAt(0)) ? 1 : -1;
      }
      int order = compareRuns(x, y);
      if (order != 0) {
        return order;
      }
    }
  }

  private static int compareRuns(String a, String b) {
    boolean number = isDigit(a.charAt(0));
    if (number != isDigit(b.charAt(0))) {
      return number ? 1 : -1;
    }
    if (!number) {
      return lower(a).compareTo(lower(b));
    }
    String x = withoutZeros(a);
    String y = withoutZeros(b);
    return x.length() != y.length() ? Integer.compare(x.length(), y.length()) : x.compareTo(y);
  }

  private static String withoutZeros(String digits) {
    int start = 0;
    while (start < digits.length() - 1 && digits.charAt(start) == '0') {
      ++start;
    }
    return digits.substring(start);
  }

  // Only ASCII letters have two cases here.
  private static String lower(String text) {
    for (int i = 0; i < text.length(); ++i) {
      if (text.charAt(i) > 0x7f) {
        StringBuilder out = new StringBuilder(text);
        for (int j = 0; j < out.length(); ++j) {
          char c = out.charAt(j);
          if (c >= 'A' && c <= 'Z') {
            out.setCharAt(j, (char) (c + ('a' - 'A')));
          }
        }
        return out.toString();
      }
    }
    return text.toLowerCase(Locale.ROOT);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static final class Runs {
    private final String text;
    private int at;

    Runs(String text) {
      this.text = text;
    }

    String next() {
      while (at < text.length() && isSeparator(text.charAt(at))) {
        ++at;
      }
      int begin = at;
      while (at < text.length() && !isSeparator(text.charAt(at))
          && isDigit(text.charAt(at)) == isDigit(text.charAt(begin))) {
        ++at;
      }
      return text.substring(begin, at);
    }

    private static boolean isSeparator(char c) {
      return c == '.' || c == '-' || c == '_' || c == '+';
    }
  }
}
