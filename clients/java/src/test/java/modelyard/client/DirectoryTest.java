// SPDX-License-Identifier: Apache-2.0
package modelyard.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DirectoryTest {
  private long now = Long.MAX_VALUE - 5; // nanoTime may overflow
  private final Directory directory = new Directory(() -> now);

  private static Endpoint endpoint(String id, String version) {
    return new Endpoint("m", version, id, "http://" + id, Map.of("apply", "apply"));
  }

  private void replace(Endpoint... endpoints) {
    directory.replace(Map.of("m", List.of(endpoints)), Map.of());
  }

  private Instance choose(String version, Directory.Policy policy) {
    return directory.choose("m", version, policy, null);
  }

  private void advance(long millis) {
    now += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  @Test
  void noVersionIsTheGreatest() {
    replace(endpoint("a", "9.0"), endpoint("b", "10.0"), endpoint("c", "10.0-rc1"));
    assertEquals("b", choose(null, Directory.Policy.UNIFORM).endpoint.id());
    assertEquals("c", choose("10.0-rc1", Directory.Policy.UNIFORM).endpoint.id());
    assertNull(choose("11", Directory.Policy.UNIFORM));
    assertNull(directory.choose("other", null, Directory.Policy.UNIFORM, null));
    assertEquals("10.0", directory.snapshot().currentVersion("m"));
    assertEquals(3, directory.snapshot().size());
  }

  @Test
  void uniformIsUniform() {
    replace(endpoint("a", "1"), endpoint("b", "1"), endpoint("c", "1"), endpoint("d", "1"));
    Map<String, Integer> drawn = new HashMap<>();
    for (int i = 0; i < 40_000; ++i) {
      drawn.merge(choose(null, Directory.Policy.UNIFORM).endpoint.id(), 1, Integer::sum);
    }
    // Ten standard deviations of 87.
    drawn.values().forEach(n -> assertTrue(Math.abs(n - 10_000) < 870, drawn.toString()));
    assertEquals(4, drawn.size());
  }

  @Test
  void ofTwoTheLessBusyThenTheFaster() {
    replace(endpoint("a", "1"), endpoint("b", "1"));
    Instance a = directory.choose("m", null, Directory.Policy.UNIFORM, null);
    Instance b = directory.choose("m", null, Directory.Policy.UNIFORM, a);
    assertNotSame(a, b);
    a.inFlight.incrementAndGet();
    for (int i = 0; i < 100; ++i) {
      assertSame(b, choose(null, Directory.Policy.TWO_CHOICES));
    }
    a.inFlight.decrementAndGet();
    a.answered(1_000);
    b.answered(2_000);
    for (int i = 0; i < 100; ++i) {
      assertSame(a, choose(null, Directory.Policy.TWO_CHOICES));
    }
  }

  @Test
  void failingOnesAreSetAsideLongerEachTimeAndComeBack() {
    replace(endpoint("a", "1"), endpoint("b", "1"));
    Instance a = choose(null, Directory.Policy.UNIFORM);
    a.failed(now);
    a.failed(now); // in flight together: one failure
    for (int i = 0; i < 100; ++i) {
      assertNotSame(a, choose(null, Directory.Policy.UNIFORM));
    }
    advance(376 + 250);
    assertFalse(a.isAside(now), "500 ms with a quarter of jitter");
    a.failed(now);
    advance(740);
    assertTrue(a.isAside(now), "twice as long the second time");
    advance(600);
    assertFalse(a.isAside(now));
    for (int i = 0; i < 20; ++i) {
      a.failed(now);
      advance(38_000);
      assertFalse(a.isAside(now), "30 s at most");
    }
    a.failed(now);
    a.answered(5);
    assertFalse(a.isAside(now), "an answer forgives");
  }

  @Test
  void theLastIsChosenThoughItFails() {
    replace(endpoint("a", "1"), endpoint("b", "1"));
    Instance a = choose(null, Directory.Policy.UNIFORM);
    Instance b = directory.choose("m", null, Directory.Policy.UNIFORM, a);
    a.failed(now);
    advance(1);
    b.failed(now);
    b.failed(now);
    assertNotNull(choose(null, Directory.Policy.TWO_CHOICES));
    assertSame(b, directory.choose("m", null, Directory.Policy.UNIFORM, a));
  }

  @Test
  void whatIsKnownStaysWithAnUnchangedEndpoint() {
    replace(endpoint("a", "1"));
    Instance a = choose(null, Directory.Policy.UNIFORM);
    replace(endpoint("a", "1"), endpoint("b", "1"));
    assertSame(a, directory.choose("m", null, Directory.Policy.UNIFORM,
        directory.choose("m", null, Directory.Policy.UNIFORM, a)));
  }

  @Test
  void mostVanishingAtOnceStayAsALastResortForAMinute() {
    replace(endpoint("a", "1"), endpoint("b", "1"));
    replace();
    assertEquals(0, directory.snapshot().size());
    assertNotNull(choose(null, Directory.Policy.UNIFORM));
    assertNotNull(choose("1", Directory.Policy.UNIFORM));
    directory.forget(choose(null, Directory.Policy.UNIFORM));
    Instance left = choose(null, Directory.Policy.UNIFORM);
    assertNotNull(left, "one that could not be reached is forgotten, the other stays");
    replace(endpoint("c", "1"));
    assertEquals("c", choose(null, Directory.Policy.UNIFORM).endpoint.id(), "only while there is no other");
    replace();
    advance(59_000);
    assertEquals("c", choose(null, Directory.Policy.UNIFORM).endpoint.id());
    advance(2_000);
    assertNull(choose(null, Directory.Policy.UNIFORM));
  }

  @Test
  void aFewVanishingAreGone() {
    replace(endpoint("a", "1"), endpoint("b", "1"));
    replace(endpoint("a", "1"));
    assertEquals("a", choose(null, Directory.Policy.UNIFORM).endpoint.id());
    assertEquals(List.of(endpoint("a", "1")), directory.snapshot().endpoints("m", "1"));
  }
}
