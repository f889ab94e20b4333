// SPDX-License-Identifier: Apache-2.0
package org.apache.metron.maas.config;

/** The class that payload.@class names: what clients of the reference bind it to, these fields and no other. */
public class ModelEndpoint {
  private Endpoint endpoint;
  private String name;
  private String version;
  private String containerId;

  public Endpoint getEndpoint() {
    return endpoint;
  }

  public void setEndpoint(Endpoint value) {
    endpoint = value;
  }

  public String getName() {
    return name;
  }

  public void setName(String value) {
    name = value;
  }

  public String getVersion() {
    return version;
  }

  public void setVersion(String value) {
    version = value;
  }

  public String getContainerId() {
    return containerId;
  }

  public void setContainerId(String value) {
    containerId = value;
  }
}
