// SPDX-License-Identifier: Apache-2.0
#include "grok/common_patterns.h"

namespace modelyard::grok {

const std::string_view kCommonPatterns = R"PATTERNS(
# Numbers. BASE10NUM does not start inside another number.
INT (?:[-+]?[0-9]+)
BASE10NUM (?<![-+.0-9])(?>[-+]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))
NUMBER (?:%{BASE10NUM:UNWANTED})
BASE16NUM (?<![0-9a-fA-F])(?:[-+]?(?:0x)?[0-9a-fA-F]+)
BASE16FLOAT \b(?<![.0-9a-fA-F])(?:[-+]?(?:0x)?(?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+))\b
POSINT \b[1-9][0-9]*\b
NONNEGINT \b[0-9]+\b

# Words
WORD \b\w+\b
NOTSPACE \S+
SPACE \s*
DATA .*?
GREEDYDATA .*
USERNAME [-._0-9A-Za-z]+
USER %{USERNAME:UNWANTED}
QUOTEDSTRING (?>(?<!\\)(?>"(?>[^"\\]+|\\.)+"|""|'(?>[^'\\]+|\\.)+'|''|`(?>[^`\\]+|\\.)+`|``))
QS %{QUOTEDSTRING:UNWANTED}
UUID [0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}

# Addresses. An IPv6 address may end in an IPv4 one and carry a zone; IPV6_N is what may
# follow N groups.
CISCOMAC (?:[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4}){2})
WINDOWSMAC (?:[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2}){5})
COMMONMAC (?:[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5})
MAC (?:%{CISCOMAC:UNWANTED}|%{WINDOWSMAC:UNWANTED}|%{COMMONMAC:UNWANTED})
IPV6_GROUP [0-9a-fA-F]{1,4}
IPV6_OCTET (?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)
IPV6_DOTTED %{IPV6_OCTET:UNWANTED}(?:\.%{IPV6_OCTET:UNWANTED}){3}
IPV6_0 :(?:(?::%{IPV6_GROUP:UNWANTED}){0,5}:%{IPV6_DOTTED:UNWANTED}|(?::%{IPV6_GROUP:UNWANTED}){1,7}|:)
IPV6_1 (?:(?::%{IPV6_GROUP:UNWANTED}){0,4}:%{IPV6_DOTTED:UNWANTED}|(?::%{IPV6_GROUP:UNWANTED}){1,6}|:)
IPV6_2 (?:(?::%{IPV6_GROUP:UNWANTED}){0,3}:%{IPV6_DOTTED:UNWANTED}|(?::%{IPV6_GROUP:UNWANTED}){1,5}|:)
IPV6_3 (?:(?::%{IPV6_GROUP:UNWANTED}){0,2}:%{IPV6_DOTTED:UNWANTED}|(?::%{IPV6_GROUP:UNWANTED}){1,4}|:)
IPV6_4 (?:(?::%{IPV6_GROUP:UNWANTED})?:%{IPV6_DOTTED:UNWANTED}|(?::%{IPV6_GROUP:UNWANTED}){1,3}|:)
IPV6_5 (?::%{IPV6_DOTTED:UNWANTED}|(?::%{IPV6_GROUP:UNWANTED}){1,2}|:)
IPV6_6 (?:%{IPV6_DOTTED:UNWANTED}|:%{IPV6_GROUP:UNWANTED}|:)
IPV6_7 (?:%{IPV6_GROUP:UNWANTED}|:)
IPV6 (?:%{IPV6_GROUP:UNWANTED}:(?:%{IPV6_GROUP:UNWANTED}:(?:%{IPV6_GROUP:UNWANTED}:(?:%{IPV6_GROUP:UNWANTED}:(?:%{IPV6_GROUP:UNWANTED}:(?:%{IPV6_GROUP:UNWANTED}:(?:%{IPV6_GROUP:UNWANTED}:%{IPV6_7:UNWANTED}|%{IPV6_6:UNWANTED})|%{IPV6_5:UNWANTED})|%{IPV6_4:UNWANTED})|%{IPV6_3:UNWANTED})|%{IPV6_2:UNWANTED})|%{IPV6_1:UNWANTED})|%{IPV6_0:UNWANTED})(?:%.+)?
IPV4 (?<![0-9])(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})(?![0-9])
IP (?:%{IPV6:UNWANTED}|%{IPV4:UNWANTED})
HOSTNAME \b[0-9A-Za-z][-0-9A-Za-z]{0,62}(?:\.[0-9A-Za-z][-0-9A-Za-z]{0,62})*(?:\.?|\b)
HOST %{HOSTNAME:UNWANTED}
IPORHOST (?:%{HOSTNAME:UNWANTED}|%{IP:UNWANTED})
HOSTPORT (?:%{IPORHOST}:%{POSINT:PORT})

# Paths and addresses of the web
UNIXPATH (?>/(?>[-\w%!$@:.,~]+|\\.)*)+
WINPATH (?>\\|[A-Za-z]+:)(?:\\[^?*\\]*)+
PATH (?:%{UNIXPATH}|%{WINPATH})
TTY (?:/dev/(?:pts|tty(?:[pq])?)(?:\w+)?/?[0-9]+)
URIPROTO [A-Za-z]+(?:\+[+A-Za-z]+)?
URIHOST %{IPORHOST}(?::%{POSINT:port})?
URIPATH (?:/[-\w$.+!*'(){},~:;=@#%]*)+
URIPARAM \?[-\w$.+!*'|(){},~@#%&/=:;?\[\]]*
URIPATHPARAM %{URIPATH}(?:%{URIPARAM})?
URI %{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?

# Parts of dates; English names, whole or their first three letters
MONTH \b(?:Ja(?:n|nuary)|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b
MONTHNUM (?:0?[1-9]|1[0-2])
MONTHNUM2 (?:0[1-9]|1[0-2])
MONTHDAY (?:0[1-9]|[12][0-9]|3[01]|[1-9])
DAY (?:(?:Mon|Fri|Sun)(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Sat(?:urday)?)
YEAR (?>\d\d){1,2}
HOUR (?:2[0-3]|[01]?[0-9])
MINUTE (?:[0-5][0-9])
# 60 is a leap second
SECOND (?:(?:[0-5]?[0-9]|60)(?:[.,:][0-9]+)?)
TIME (?!<[0-9])%{HOUR}:%{MINUTE}(?::%{SECOND})(?![0-9])
TZ (?:UTC|[CEMP][DS]T)
ISO8601_TIMEZONE (?:Z|[-+]%{HOUR}(?::?%{MINUTE}))
ISO8601_SECOND (?:%{SECOND}|60)

# Dates and times
DATE_US %{MONTHNUM}[-/]%{MONTHDAY}[-/]%{YEAR}
DATE_EU %{MONTHDAY}[-./]%{MONTHNUM}[-./]%{YEAR}
DATE %{DATE_US}|%{DATE_EU}
DATESTAMP %{DATE}[ -]%{TIME}
TIMESTAMP_ISO8601 %{YEAR}-%{MONTHNUM}-%{MONTHDAY}[ T]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?
DATESTAMP_RFC822 %{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}
DATESTAMP_RFC2822 %{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}
DATESTAMP_OTHER %{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}
DATESTAMP_EVENTLOG %{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}
HTTPDATE %{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}

# Syslog
SYSLOGTIMESTAMP %{MONTH} +%{MONTHDAY} %{TIME}
SYSLOGHOST %{IPORHOST}
SYSLOGFACILITY <%{NONNEGINT:facility}.%{NONNEGINT:priority}>
PROG (?:[-\w./%]+)
SYSLOGPROG %{PROG:program}(?:\[%{POSINT:pid}\])?
)PATTERNS";

}  // namespace modelyard::grok
