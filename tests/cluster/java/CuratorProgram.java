// SPDX-License-Identifier: Apache-2.0

import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.apache.metron.maas.config.Endpoint;
import org.apache.metron.maas.config.ModelEndpoint;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;
import org.codehaus.jackson.map.ObjectMapper;

/**
 * A client of the reference's kind: Curator's service discovery and SimpleDistributedQueue. Each command prints one
 * line of JSON, or ends with 1 and the reason on stderr.
 *
 * <pre>
 *   read QUORUM SERVICE_ROOT                            every endpoint; one unreadable node is the end
 *   register QUORUM SERVICE_ROOT STATIC|DYNAMIC NAME VERSION ID URL FUNCTIONS_JSON|-
 *                                                       DYNAMIC: until stdin ends
 *   unregister QUORUM SERVICE_ROOT NAME ID
 *   put QUORUM PATH DATA                                as it is, persistent, parents too
 *   get QUORUM PATH                                     {"data", "ephemeral"}; null: there is none
 *   offer QUORUM QUEUE ITEM...
 *   list QUORUM QUEUE                                   {"qn-0000000001": "item"}
 *   take QUORUM QUEUE                                   waits 10 s at most; null: nothing came
 * </pre>
 */
public final class CuratorProgram {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (CuratorFramework curator = CuratorFrameworkFactory.newClient(args[1], 10_000, 10_000, new ExponentialBackoffRetry(200, 5))) {
      curator.start();
      String[] rest = Arrays.copyOfRange(args, 3, args.length);
      Object out = run(curator, args[0], args[2], rest);
      if (out != WAITED) {
        System.out.println(JSON.writeValueAsString(out));
      }
    } catch (Exception e) {
      e.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }

  private static final Object WAITED = new Object();

  private static Object run(CuratorFramework curator, String command, String path, String[] rest) throws Exception {
    switch (command) {
      case "read":
        return read(curator, path);
      case "register":
        return register(curator, path, rest);
      case "unregister":
        return unregister(curator, path, rest);
      case "put":
        byte[] data = rest[0].getBytes(StandardCharsets.UTF_8);
        if (curator.checkExists().forPath(path) == null) {
          return curator.create().creatingParentsIfNeeded().forPath(path, data);
        }
        curator.setData().forPath(path, data);
        return path;
      case "get":
        return get(curator, path);
      case "offer":
        List<Boolean> offered = new ArrayList<>();
        for (String item : rest) {
          offered.add(new SimpleDistributedQueue(curator, path).offer(item.getBytes(StandardCharsets.UTF_8)));
        }
        return offered;
      case "list":
        return list(curator, path);
      case "take":
        byte[] taken = new SimpleDistributedQueue(curator, path).poll(10, TimeUnit.SECONDS);
        return taken == null ? null : new String(taken, StandardCharsets.UTF_8);
      default:
        throw new IllegalArgumentException(command);
    }
  }

  private static ServiceDiscovery<ModelEndpoint> discovery(CuratorFramework curator, String root) throws Exception {
    ServiceDiscovery<ModelEndpoint> out = unstarted(curator, root);
    out.start();
    return out;
  }

  // start() registers everything again when the connection is told: it deletes the node and makes it anew, and a
  // process that ends between the two leaves nothing. Who registers once and ends does not start it.
  private static ServiceDiscovery<ModelEndpoint> unstarted(CuratorFramework curator, String root) {
    return ServiceDiscoveryBuilder.builder(ModelEndpoint.class).client(curator).basePath(root)
        .serializer(new JsonInstanceSerializer<>(ModelEndpoint.class)).build();
  }

  private static Object read(CuratorFramework curator, String root) throws Exception {
    List<Object> out = new ArrayList<>();
    ServiceDiscovery<ModelEndpoint> discovery = discovery(curator, root);
    for (String name : discovery.queryForNames()) {
      for (ServiceInstance<ModelEndpoint> instance : discovery.queryForInstances(name)) {
        ModelEndpoint model = instance.getPayload();
        Map<String, Object> line = new TreeMap<>();
        line.put("service", instance.getName());
        line.put("id", instance.getId());
        line.put("address", instance.getAddress());
        line.put("port", instance.getPort());
        line.put("type", instance.getServiceType().toString());
        line.put("name", model.getName());
        line.put("version", model.getVersion());
        line.put("containerId", model.getContainerId());
        line.put("url", model.getEndpoint().getUrl());
        line.put("functions", model.getEndpoint().getFunctions());
        out.add(line);
      }
    }
    return out;
  }

  private static ServiceInstance<ModelEndpoint> instance(ServiceType type, String name, String version, String id,
      URL url, Map<String, String> functions) throws Exception {
    Endpoint endpoint = new Endpoint();
    endpoint.setUrl(url.toString());
    endpoint.setFunctions(functions);
    ModelEndpoint payload = new ModelEndpoint();
    payload.setName(name);
    payload.setVersion(version);
    payload.setContainerId(id);
    payload.setEndpoint(endpoint);
    return ServiceInstance.<ModelEndpoint>builder().serviceType(type).name(name).id(id).address(url.getHost())
        .port(url.getPort()).payload(payload).build();
  }

  @SuppressWarnings("unchecked")
  private static Object register(CuratorFramework curator, String root, String[] a) throws Exception {
    Map<String, String> functions =
        a[5].equals("-") ? new HashMap<>(Collections.singletonMap("apply", "apply")) : JSON.readValue(a[5], Map.class);
    ServiceType type = ServiceType.valueOf(a[0]);
    ServiceDiscovery<ModelEndpoint> discovery =
        type == ServiceType.STATIC ? unstarted(curator, root) : discovery(curator, root);
    discovery.registerService(instance(type, a[1], a[2], a[3], new URL(a[4]), functions));
    if (type == ServiceType.STATIC) {
      return true;
    }
    System.out.println("true");
    while (System.in.read() >= 0) {
      // Until the test lets go of it.
    }
    return WAITED;
  }

  private static Object unregister(CuratorFramework curator, String root, String[] a) throws Exception {
    ServiceDiscovery<ModelEndpoint> discovery = discovery(curator, root);
    ServiceInstance<ModelEndpoint> found = discovery.queryForInstance(a[0], a[1]);
    if (found == null) {
      return false;
    }
    discovery.unregisterService(found);
    return true;
  }

  private static Object get(CuratorFramework curator, String path) throws Exception {
    Stat stat = new Stat();
    Map<String, Object> out = new TreeMap<>();
    try {
      out.put("data", new String(curator.getData().storingStatIn(stat).forPath(path), StandardCharsets.UTF_8));
    } catch (KeeperException.NoNodeException none) {
      return null;
    }
    out.put("ephemeral", stat.getEphemeralOwner() != 0);
    return out;
  }

  private static Object list(CuratorFramework curator, String queue) throws Exception {
    Map<String, String> out = new TreeMap<>();
    if (curator.checkExists().forPath(queue) != null) {
      for (String node : curator.getChildren().forPath(queue)) {
        out.put(node, new String(curator.getData().forPath(queue + "/" + node), StandardCharsets.UTF_8));
      }
    }
    return out;
  }
}
