// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionOrderTest {
  @ParameterizedTest
  @CsvSource({
    "9.0, 10.0", "1.9.9, 2.0", "1.0, 1.0.1", "1.0-rc1, 1.0", "1.0-rc2, 1.0-rc10", "1.beta, 1.0", "1.0-ALPHA, 1.0-beta",
    "1.02, 1.2", "1, 99999999999999999999999", "a, b", "2024-09-01, 2024-10-01", "v9, v10", "1.0-é, 1.0-ü",
  })
  void smallerFirst(String smaller, String greater) {
    assertTrue(VersionOrder.INSTANCE.compare(smaller, greater) < 0);
    assertTrue(VersionOrder.INSTANCE.compare(greater, smaller) > 0);
    assertEquals(0, VersionOrder.INSTANCE.compare(smaller, smaller));
  }
}
