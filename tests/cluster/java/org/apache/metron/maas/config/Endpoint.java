// SPDX-License-Identifier: Apache-2.0
package org.apache.metron.maas.config;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/** What clients of the reference bind payload.endpoint to: these two fields and no other. */
public class Endpoint {
  private String url;
  private Map<String, String> functions = new HashMap<>(Collections.singletonMap("apply", "apply"));

  public String getUrl() {
    return url;
  }

  public void setUrl(String value) {
    url = value;
  }

  public Map<String, String> getFunctions() {
    return functions;
  }

  public void setFunctions(Map<String, String> value) {
    functions = value;
  }
}
