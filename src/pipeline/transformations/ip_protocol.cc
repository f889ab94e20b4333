// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string_view>

#include "pipeline/transformation.h"

// IP_PROTOCOL: a number becomes the protocol's name (IANA, Protocol Numbers, 0 to 142). A number without a name removes
// the field; texts stay as they are.
namespace modelyard::pipeline {
namespace {

// An empty name is a number that IANA gave no keyword.
constexpr std::array<std::string_view, 143> kNames{
    "HOPOPT",      "ICMP",       "IGMP",        "GGP",        "IPv4",
    "ST",          "TCP",        "CBT",         "EGP",        "IGP",
    "BBN-RCC-MON", "NVP-II",     "PUP",         "ARGUS",      "EMCON",
    "XNET",        "CHAOS",      "UDP",         "MUX",        "DCN-MEAS",
    "HMP",         "PRM",        "XNS-IDP",     "TRUNK-1",    "TRUNK-2",
    "LEAF-1",      "LEAF-2",     "RDP",         "IRTP",       "ISO-TP4",
    "NETBLT",      "MFE-NSP",    "MERIT-INP",   "DCCP",       "3PC",
    "IDPR",        "XTP",        "DDP",         "IDPR-CMTP",  "TP++",
    "IL",          "IPv6",       "SDRP",        "IPv6-Route", "IPv6-Frag",
    "IDRP",        "RSVP",       "GRE",         "DSR",        "BNA",
    "ESP",         "AH",         "I-NLSP",      "SWIPE",      "NARP",
    "MOBILE",      "TLSP",       "SKIP",        "IPv6-ICMP",  "IPv6-NoNxt",
    "IPv6-Opts",   "",           "CFTP",        "",           "SAT-EXPAK",
    "KRYPTOLAN",   "RVD",        "IPPC",        "",           "SAT-MON",
    "VISA",        "IPCV",       "CPNX",        "CPHB",       "WSN",
    "PVP",         "BR-SAT-MON", "SUN-ND",      "WB-MON",     "WB-EXPAK",
    "ISO-IP",      "VMTP",       "SECURE-VMTP", "VINES",      "TTP",
    "NSFNET-IGP",  "DGP",        "TCF",         "EIGRP",      "OSPFIGP",
    "Sprite-RPC",  "LARP",       "MTP",         "AX.25",      "IPIP",
    "MICP",        "SCC-SP",     "ETHERIP",     "ENCAP",      "",
    "GMTP",        "IFMP",       "PNNI",        "PIM",        "ARIS",
    "SCPS",        "QNX",        "A/N",         "IPComp",     "SNP",
    "Compaq-Peer", "IPX-in-IP",  "VRRP",        "PGM",        "",
    "L2TP",        "DDX",        "IATP",        "STP",        "SRP",
    "UTI",         "SMP",        "SM",          "PTP",        "ISIS",
    "FIRE",        "CRTP",       "CRUDP",       "SSCOPMCE",   "IPLT",
    "SPS",         "PIPE",       "SCTP",        "FC",         "RSVP-E2E-IGNORE",
    "Mobility",    "UDPLite",    "MPLS-in-IP",  "manet",      "Shim6",
    "WESP",        "ROHC",       "Ethernet"};

class IpProtocolTransformation final : public Transformation {
 public:
  IpProtocolTransformation(std::vector<std::string> input, std::string output)
      : input_(std::move(input)), output_(std::move(output)) {}

  Progress run(Task& task) const override {
    for (const std::string& name : input_) {
      const stellar::Value* value = task.message.find(name);
      if (value == nullptr) continue;
      if (value->is_number()) replace(task.message, *value);
      break;  // the first input field that is there decides
    }
    return Progress::kDone;
  }

 private:
  void replace(Message& message, stellar::Value value) const {
    const double number = value.is_floating() ? value.as_double() : static_cast<double>(value.as_integral());
    if (number >= 0 && number < static_cast<double>(kNames.size())) {
      if (const std::string_view name = kNames[static_cast<size_t>(number)]; !name.empty()) {
        message.put(output_, stellar::Value::string(name));
        return;
      }
    }
    message.erase(output_);
  }

  const std::vector<std::string> input_;
  const std::string output_;
};

std::unique_ptr<Transformation> make_ip_protocol(const TransformationSpec& spec) {
  if (spec.config.input.empty()) {
    spec.refuse("IP_PROTOCOL needs \"input\": the field with the protocol's number");
    return nullptr;
  }
  return std::make_unique<IpProtocolTransformation>(spec.config.input, spec.config.output[0]);
}

}  // namespace

void register_ip_protocol(TransformationRegistry& registry) { registry.add("IP_PROTOCOL", make_ip_protocol); }

}  // namespace modelyard::pipeline
