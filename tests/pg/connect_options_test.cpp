// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/test_environment.hpp"
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tradecore::pg {
namespace {

using namespace std::chrono_literals;
using test::nothing_set;

connect_options parse(std::string_view dsn)
{
    return connect_options::parse(dsn, nothing_set());
}

std::string refusal(std::string_view dsn)
{
    return test::message_of<std::invalid_argument>([dsn] { (void)parse(dsn); });
}

struct expected {
    const char* dsn;
    const char* host;
    std::uint16_t port;
    const char* user;
    const char* password;
    const char* database;
};

TEST(ConnectOptions, ReadUrisAndKeywords)
{
    const std::vector<expected> table = {
        {"postgresql://ann:s%40crt@db.example:6000/shop", "db.example", 6000, "ann", "s@crt", "shop"},
        {"postgres://ann@db/shop", "db", 5432, "ann", "", "shop"},
        {"postgresql://ann@%2Frun%2Fpostgresql/shop", "/run/postgresql", 5432, "ann", "", "shop"},
        {"postgresql://ann@/shop?host=/tmp/pg&port=6001", "/tmp/pg", 6001, "ann", "", "shop"},
        {"postgresql:///shop?user=ann", "/var/run/postgresql", 5432, "ann", "", "shop"},
        {"postgresql://ann@[::1]:6002/shop", "::1", 6002, "ann", "", "shop"},
        {"postgresql://ann:a:b@db", "db", 5432, "ann", "a:b", ""},
        {"postgresql://ann:a?b@db", "db", 5432, "ann", "a?b", ""},
        {"postgresql://db?user=ann&password=a%26b", "db", 5432, "ann", "a&b", ""},
        {"host=db port=6000 user=ann password=secret dbname=shop", "db", 6000, "ann", "secret", "shop"},
        {"host = '/run/pg' user= 'an\\'n'  password='a b\\\\'", "/run/pg", 5432, "an'n", "a b\\", ""},
        {"user=ann password=a\\ b", "/var/run/postgresql", 5432, "ann", "a b", ""},
        {"", "/var/run/postgresql", 5432, "system-user", "", ""},
    };
    for (const auto& [dsn, host, port, user, password, database] : table) {
        const auto options = parse(dsn);
        EXPECT_EQ(options.hosts, (std::vector<host_address>{{host, "", port}})) << dsn;
        EXPECT_EQ(options.user, user) << dsn;
        EXPECT_EQ(options.password, password) << dsn;
        EXPECT_EQ(options.database, database) << dsn;
    }
}

TEST(ConnectOptions, HaveDefaults)
{
    const auto options = parse("");
    EXPECT_EQ(options.connect_timeout, 10s);
    EXPECT_EQ(options.cancel_timeout, 2s);
    EXPECT_EQ(options.application_name, "tradecore");
    EXPECT_EQ(options.tls.mode, ssl_mode::prefer);
    EXPECT_EQ(options.tls.minimum_version, tls_version::tls_1_2);
    EXPECT_EQ(options.tls.default_folder, "/home/of/system/.postgresql");
    EXPECT_EQ(options.passfile, "/home/of/system/.pgpass");
    EXPECT_TRUE(options.tls.sni);
    EXPECT_TRUE(options.require_authentication.any());
    EXPECT_FALSE(options.allow_cleartext_password);
    EXPECT_TRUE(options.settings.empty());
}

TEST(ConnectOptions, ReadHowToReachServers)
{
    const auto options = parse(
        "host=a,b,c port=1,,3 hostaddr=127.0.0.1,::1, target_session_attrs=prefer-standby load_balance_hosts=random "
        "connect_timeout=3 keepalives=0 keepalives_idle=5 keepalives_interval=-1 keepalives_count=7 "
        "tcp_user_timeout=1500 cancel_timeout=750");
    EXPECT_EQ(options.hosts, (std::vector<host_address>{{"a", "127.0.0.1", 1}, {"b", "::1", 5432}, {"c", "", 3}}));
    EXPECT_EQ(options.target_session, target_session_attributes::prefer_standby);
    EXPECT_EQ(options.load_balancing, load_balance::random);
    EXPECT_EQ(options.connect_timeout, 3s);
    EXPECT_FALSE(options.tcp.keepalive);
    EXPECT_EQ(options.tcp.keepalive_idle, 5s);
    EXPECT_EQ(options.tcp.keepalive_interval, 0s);
    EXPECT_EQ(options.tcp.keepalive_count, 7);
    EXPECT_EQ(options.tcp.user_timeout, 1500ms);
    EXPECT_EQ(options.cancel_timeout, 750ms);
}

TEST(ConnectOptions, WaitForNoServerWithoutALimit)
{
    for (const auto* const unlimited : {"0", "-1", " 0 "})
        EXPECT_EQ(parse("connect_timeout='" + std::string(unlimited) + "'").connect_timeout, 10s);
}

TEST(ConnectOptions, ReadHowToEncrypt)
{
    const auto options =
        parse("sslmode=verify-ca sslnegotiation=direct sslcert=/c sslkey=/k sslpassword=open sslcertmode=require "
              "sslrootcert=/r sslcrl=/l sslcrldir=/d sslsni=0 ssl_min_protocol_version=tlsv1.1 "
              "ssl_max_protocol_version=TLSv1.3 sslcompression=1");
    EXPECT_EQ(options.tls.mode, ssl_mode::verify_ca);
    EXPECT_EQ(options.tls.negotiation, ssl_negotiation::direct);
    EXPECT_EQ(options.tls.certificate, "/c");
    EXPECT_EQ(options.tls.key, "/k");
    EXPECT_EQ(options.tls.key_password, "open");
    EXPECT_EQ(options.tls.certificate_mode, client_certificate::require);
    EXPECT_EQ(options.tls.root_certificate, "/r");
    EXPECT_EQ(options.tls.crl, "/l");
    EXPECT_EQ(options.tls.crl_directory, "/d");
    EXPECT_FALSE(options.tls.sni);
    EXPECT_EQ(options.tls.minimum_version, tls_version::tls_1_1);
    EXPECT_EQ(options.tls.maximum_version, tls_version::tls_1_3);
}

TEST(ConnectOptions, ReadEachSslMode)
{
    const std::vector<std::pair<const char*, ssl_mode>> table = {
        {"disable", ssl_mode::disable}, {"allow", ssl_mode::allow},         {"prefer", ssl_mode::prefer},
        {"require", ssl_mode::require}, {"verify-ca", ssl_mode::verify_ca}, {"verify-full", ssl_mode::verify_full}};
    for (const auto& [text, mode] : table)
        EXPECT_EQ(parse(std::string("sslmode=") + text).tls.mode, mode) << text;
    EXPECT_EQ(parse("postgresql://db?ssl=true").tls.mode, ssl_mode::require);
    EXPECT_EQ(parse("requiressl=1").tls.mode, ssl_mode::require);
    EXPECT_EQ(parse("requiressl=0").tls.mode, ssl_mode::prefer);
    EXPECT_EQ(parse("sslrootcert=system").tls.mode, ssl_mode::verify_full);
}

TEST(ConnectOptions, ReadHowToAuthenticate)
{
    const auto options =
        parse("require_auth=scram-sha-256,md5 channel_binding=require requirepeer=postgres passfile=/p "
              "allow_cleartext_password=on max_scram_iterations=5000");
    EXPECT_EQ(options.require_authentication.text(), "md5,scram-sha-256");
    EXPECT_EQ(options.channel_binding, channel_binding_mode::require);
    EXPECT_EQ(options.require_peer, "postgres");
    EXPECT_EQ(options.passfile, "/p");
    EXPECT_TRUE(options.allow_cleartext_password);
    EXPECT_EQ(options.max_scram_iterations, 5'000U);
}

TEST(ConnectOptions, ReadHowTheSessionBegins)
{
    const auto options =
        parse("postgresql://ann@db/shop?application_name=desk%201&options=-c%20geqo%3Doff&search_path=app,public"
              "&statement_timeout=2s&client_encoding=utf-8&prepared_statements=unnamed&statement_cache_size=7"
              "&statement_cache_bytes=16kB");
    EXPECT_EQ(options.application_name, "desk 1");
    EXPECT_EQ(options.options, "-c geqo=off");
    EXPECT_EQ(options.settings, (std::map<std::string, std::string>{{"search_path", "app,public"}}));
    EXPECT_EQ(options.statement_timeout, 2s);
    EXPECT_EQ(options.prepared_statements, prepared_statements::unnamed);
    EXPECT_EQ(options.statement_cache_size, 7U);
    EXPECT_EQ(options.statement_cache_bytes, 16'384U);
    EXPECT_EQ(parse("statement_timeout=250").statement_timeout, 250ms);
    EXPECT_EQ(parse("fallback_application_name=psql").application_name, "psql");
    EXPECT_EQ(parse("fallback_application_name=psql application_name=''").application_name, "psql");
    EXPECT_EQ(parse("fallback_application_name=psql application_name=own").application_name, "own");
}

TEST(ConnectOptions, TakeWhatIsHarmless)
{
    for (const auto* const dsn :
         {"gssencmode=disable", "gssencmode=prefer", "krbsrvname=x", "gsslib=gssapi", "gssdelegation=0",
          "sslcompression=0", "sslcompression=1", "replication=false", "replication=", "client_encoding=auto",
          "client_encoding=UNICODE", "port=' 5432 '"})
        EXPECT_EQ(refusal(dsn), "(nothing thrown)") << dsn;
}

TEST(ConnectOptions, SayWhatIsWrong)
{
    const std::string ports = "port must be a number from 1 to 65535";
    const std::vector<std::pair<const char*, std::string>> table = {
        {"mysql://db/shop", "the scheme of a URI must be postgresql or postgres, with nothing before it"},
        {"host=db colour=red", "keyword \"colour\" is not known"},
        {"postgresql://db?colour=red", "keyword \"colour\" is not known"},
        {"postgresql://db?ssl=false", "keyword \"ssl\" is not known"},
        {"postgresql://db:0/shop", ports},
        {"postgresql://db:70000/shop", ports},
        {"postgresql://db:50x/shop", ports},
        {"port=", "(nothing thrown)"},
        {"postgresql://d%zzb/shop", "host: a % must be followed by two hexadecimal digits"},
        {"postgresql://[::1/shop", "host: an IPv6 address must end with ]"},
        {"postgresql://[]/shop", "host: there must be an IPv6 address between [ and ]"},
        {"postgresql://[::1]x/shop", "host: only a port may follow an IPv6 address"},
        {"postgresql://db%00x/shop", "host contains NUL"},
        {"postgresql://db?a", "after ? there must be keyword=value pairs with & between them"},
        {"postgresql://db?user=a=b", "after ? there must be keyword=value pairs with & between them"},
        {"host", "keyword \"host\" must be followed by ="},
        {"password='open", "password: the closing quote is missing"},
        {"host=a,b port=1,2,3", "port has 3 items for 2 hosts: it must be one or as many"},
        {"host=a,b hostaddr=127.0.0.1", "host has 2 items and hostaddr 1: it must be as many"},
        {"hostaddr=db.example", "hostaddr must be an IPv4 or IPv6 address; names belong into host"},
        {"sslmode=yes", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"},
        {"sslmode=", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"},
        {"sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require, verify-ca or verify-full"},
        {"sslrootcert=system sslmode=require", "sslrootcert=system needs sslmode=verify-full"},
        {"sslkey=pkcs11:1", "sslkey must be a file: keys of OpenSSL engines are not supported"},
        {"sslsni=2", "sslsni must be 0 or 1"},
        {"ssl_min_protocol_version=SSLv3", "ssl_min_protocol_version must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"},
        {"ssl_max_protocol_version=TLSv1.1", "ssl_max_protocol_version is below ssl_min_protocol_version"},
        {"require_auth=md5,oauth", "require_auth: item 2 is none of none, password, md5, gss, sspi and scram-sha-256"},
        {"channel_binding=on", "channel_binding must be disable, prefer or require"},
        {"max_scram_iterations=10", "max_scram_iterations must be a number from 4096 to 2147483647"},
        {"gssencmode=require", "gssencmode must be disable or prefer: GSSAPI is not supported"},
        {"replication=database",
         "replication is not supported: connections here speak SQL, not the replication protocol"},
        {"client_encoding=LATIN1", "client_encoding must be UTF8: text is UTF-8 on both sides of this library"},
        {"target_session_attrs=master",
         "target_session_attrs must be any, read-write, read-only, primary, standby or prefer-standby"},
        {"load_balance_hosts=1", "load_balance_hosts must be disable or random"},
        {"connect_timeout=soon", "connect_timeout must be a number from -2147483648 to 2147483647"},
        {"keepalives_idle=9999999999", "keepalives_idle must be a number from -2147483648 to 2147483647"},
        {"statement_timeout=-1",
         "statement_timeout must be a number of milliseconds, or one with a unit of ms, s, min, h or d, of at most 24 "
         "days"},
        {"cancel_timeout=0", "cancel_timeout must be above 0"},
        {"statement_cache_size=-1", "statement_cache_size must be a number from 0 to 100000"},
        {"statement_cache_bytes=1MiB",
         "statement_cache_bytes must be a number of bytes, or one with a unit of B, kB, MB or GB"},
        {"prepared_statements=no", "prepared_statements must be named or unnamed"},
    };
    for (const auto& [dsn, reason] : table)
        EXPECT_EQ(refusal(dsn), reason == "(nothing thrown)" ? reason : "connection string: " + reason) << dsn;
    EXPECT_EQ(refusal(std::string_view("host=d\0b", 8)), "connection string: contains NUL");
}

TEST(ConnectOptions, NeedAUser)
{
    auto from = nothing_set();
    from.user_name.clear();
    EXPECT_EQ(
        test::message_of<std::invalid_argument>([&] { (void)connect_options::parse("host=db", from); }),
        "connection string: user is not given, and the process's user has no name");
}

TEST(ConnectOptions, AreCheckedWhenPutTogetherByHand)
{
    const auto problem = [](auto change) {
        connect_options options;
        options.hosts = {{.host = "db"}};
        options.user = "ann";
        change(options);
        return test::message_of<std::invalid_argument>([&options] { options.validate(); });
    };
    using options = connect_options;
    const std::string nul(1, '\0');
    EXPECT_EQ(problem([](options&) {}), "(nothing thrown)");
    EXPECT_EQ(problem([](options& o) { o.hosts.clear(); }), "connect_options: no host is given");
    EXPECT_EQ(problem([](options& o) { o.hosts.emplace_back(); }), "connect_options: host is empty");
    EXPECT_EQ(
        problem([](options& o) { o.hosts[0].port = 0; }), "connect_options: port must be a number from 1 to 65535");
    EXPECT_EQ(problem([](options& o) { o.user.clear(); }), "connect_options: user is empty");
    const std::string no_limit = " must be above 0 and at most 2147483647 s";
    for (const auto time : {0ms, -1ms, std::chrono::milliseconds::max()}) {
        EXPECT_EQ(
            problem([&](options& o) { o.connect_timeout = time; }), "connect_options: connect_timeout" + no_limit);
        EXPECT_EQ(problem([&](options& o) { o.cancel_timeout = time; }), "connect_options: cancel_timeout" + no_limit);
    }
    EXPECT_EQ(
        problem([](options& o) { o.statement_timeout = -1s; }),
        "connect_options: statement_timeout must not be below 0");
    EXPECT_EQ(
        problem([](options& o) { o.statement_timeout = longest_statement_timeout + 1ms; }),
        "connect_options: statement_timeout must not be above 2147483647 ms, the server's own limit");
    EXPECT_EQ(
        problem([&](options& o) { o.user += nul; }),
        "connect_options: user, database, application_name or options contains NUL");
    EXPECT_EQ(problem([&](options& o) { o.hosts[0].host += nul; }), "connect_options: host or hostaddr contains NUL");
    EXPECT_EQ(
        problem([&](options& o) { o.hosts[0].hostaddr = nul; }), "connect_options: host or hostaddr contains NUL");
    EXPECT_EQ(
        problem([&](options& o) { o.settings["a"] = nul; }),
        "connect_options: the name of a setting is empty, or a setting contains NUL");
}

TEST(ConnectOptions, RefuseSettingsThatWouldUndoOthers)
{
    const auto problem = [](const std::string& name) {
        connect_options options;
        options.hosts.push_back({.host = "db"});
        options.user = "ann";
        options.settings[name] = "x";
        return test::message_of<std::invalid_argument>([&options] { options.validate(); });
    };
    EXPECT_EQ(problem("search_path"), "(nothing thrown)");
    EXPECT_EQ(problem("users"), "(nothing thrown)");
    const std::string not_there = " must not be among the settings: ";
    EXPECT_EQ(problem("user"), "connect_options: user" + not_there + "connect_options::user is for that");
    EXPECT_EQ(problem("Database"), "connect_options: Database" + not_there + "connect_options::database is for that");
    EXPECT_EQ(problem("CLIENT_ENCODING"), "connect_options: CLIENT_ENCODING" + not_there + "it is always UTF8");
    EXPECT_EQ(problem("replication"), "connect_options: replication" + not_there + "replication is not supported");
}

TEST(ConnectOptions, DescribeThemselvesWithoutThePassword)
{
    EXPECT_EQ(parse("postgresql://ann:secret@db:6000/shop").describe(), "db:6000/shop as ann");
    EXPECT_EQ(parse("postgresql://ann:secret@db").describe(), "db:5432/ann as ann");
    const auto several = parse("postgresql://ann:secret@a,[::1]:7,%2Ftmp/shop?password=other");
    EXPECT_EQ(several.describe(), "a:5432,[::1]:7,/tmp:5432/shop as ann");
    EXPECT_EQ(several.describe(several.hosts[1]), "[::1]:7/shop as ann");
}

TEST(ConnectOptions, NeverQuoteThePassword)
{
    for (const auto* const dsn :
         {"postgresql://ann:secret%@db", "postgresql://ann:secret/x@db", "postgresql://ann@db?password=secret%4",
          "password='secret", "password=secret port=x", "postgresql://ann:secret@db:x", "password=my secret",
          "password=my secret=", "password = my host=db secret", "postgresql:/ann:secret@db",
          "postgresql://ann:a/b?secret=c@db", "postgresql://ann:a/b?x=y&secret@db",
          "postgresql://db?password=a&secret=b", "postgresql://db?password=a&secret=%", "sslpassword=my secret",
          "postgresql://ann:secret@[::1"}) {
        const auto message = refusal(dsn);
        EXPECT_EQ(message.find("secret"), std::string::npos) << message;
        EXPECT_NE(message, "(nothing thrown)") << dsn;
    }
}

RC_GTEST_PROP(ConnectOptions, AnyTextIsReadOrRefused, (const std::string& text, bool as_uri))
{
    try {
        (void)parse((as_uri ? "postgresql://" : "") + text);
    }
    catch (const std::invalid_argument& error) {
        RC_ASSERT(std::string(error.what()).starts_with("connection string: "));
    }
}

} // namespace
} // namespace tradecore::pg
