// SPDX-License-Identifier: Apache-2.0
#include "../support/memory_tls_server.hpp"
#include "pg/auth/end_point_binding.hpp"
#include "pg/engine/tls_channel.hpp"
#include "support/test_server.hpp"

#include <tradecore/pg/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <ostream>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::engine::tls_channel;
using pg::engine::tls_context;
using testing::HasSubstr;

const certificate& authority()
{
    static const auto made = make_certificate({.common_name = "Test Authority", .authority = true});
    return made;
}

/// Options and files of one test.
class tls : public testing::Test {
protected:
    static std::string file(const std::string& name, const std::string& text, unsigned permissions = 0600)
    {
        static const temporary_folder folder;
        auto path = folder.path() / name;
        std::ofstream(path) << text;
        std::filesystem::permissions(path, static_cast<std::filesystem::perms>(permissions));
        return path.string();
    }
    static pg::tls_options verifying(pg::ssl_mode mode)
    {
        pg::tls_options options;
        options.mode = mode;
        options.root_certificate = file("root.crt", authority().pem());
        return options;
    }
    static tls_channel open(const pg::tls_options& options, std::string host = "db.example")
    {
        return tls_channel(context(options, std::move(host)));
    }
    static std::shared_ptr<const tls_context> context(const pg::tls_options& options, std::string host = "db.example")
    {
        return std::make_shared<const tls_context>(options, pg::host_address{.host = std::move(host)});
    }
    /// @returns the message of the error that the handshake ends with; empty when it succeeds.
    static std::string
    failure_with(const certificate& server, const pg::tls_options& options, const std::string& host = "db.example")
    {
        memory_tls_server peer(server);
        auto client = open(options, host);
        return message_of([&] { shake_hands(client, peer); });
    }
    template <class Action>
    static std::string message_of(Action action)
    {
        try {
            action();
            return {};
        }
        catch (const pg::connection_error& error) {
            EXPECT_EQ(error.code(), pg::client_errc::tls_failed);
            return error.what();
        }
    }
    static certificate server(const std::string& names, const std::string& common_name = {})
    {
        return make_certificate({.common_name = common_name, .alternative_names = names}, &authority());
    }
};

TEST_F(tls, carries_text_both_ways_in_pieces_of_any_size)
{
    for (const std::size_t part : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        memory_tls_server peer(server("DNS:db.example"));
        auto client = open(verifying(pg::ssl_mode::verify_full));
        shake_hands(client, peer, part);
        const std::string large(100'000, 'x');
        client.write(large);
        const auto sent = std::exchange(client.outgoing(), {});
        EXPECT_EQ(sent.find("xxxx"), std::string::npos);
        peer.answer(sent);
        EXPECT_EQ(peer.received, large);

        const auto answer = peer.encrypt("one") + peer.encrypt("two");
        std::string got;
        for (std::size_t at = 0; at < answer.size(); at += part) {
            const auto piece = answer.substr(at, part);
            client.receive(piece);
            std::array<char, 2> some{};
            for (std::size_t count = 0; (count = client.read(some)) > 0;)
                got.append(some.data(), count);
        }
        EXPECT_EQ(got, "onetwo");
        EXPECT_FALSE(client.ended());
        const auto goodbye = peer.say_goodbye();
        client.receive(goodbye);
        std::array<char, 2> none{};
        EXPECT_EQ(client.read(none), 0U);
        EXPECT_TRUE(client.ended());
    }
}

TEST_F(tls, notices_a_byte_that_was_changed_on_the_way)
{
    memory_tls_server peer(server("DNS:db.example"));
    auto client = open(verifying(pg::ssl_mode::verify_full));
    shake_hands(client, peer);
    auto answer = peer.encrypt("the balance is 100");
    answer.back() = static_cast<char>(~answer.back());
    client.receive(answer);
    std::array<char, 64> into{};
    EXPECT_THAT(message_of([&] { (void)client.read(into); }), HasSubstr("reading from db.example:5432"));
}

TEST_F(tls, tells_names_but_no_addresses_to_the_server)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    const auto shown = server("DNS:db.example");
    const auto told = [&](const std::string& host) {
        memory_tls_server peer(shown);
        auto client = open(options, host);
        shake_hands(client, peer);
        return peer.server_name();
    };
    EXPECT_EQ(told("db.example"), "db.example");
    EXPECT_EQ(told("127.0.0.1"), "");
    EXPECT_EQ(told("::1"), "");
    options.sni = false;
    EXPECT_EQ(told("db.example"), "");
}

TEST_F(tls, believes_anybody_without_a_root_certificate)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    EXPECT_EQ(failure_with(make_certificate({.common_name = "nobody"}), options), "");
}

TEST_F(tls, believes_with_a_root_certificate_whom_it_signed)
{
    for (const auto mode : {pg::ssl_mode::prefer, pg::ssl_mode::require, pg::ssl_mode::verify_ca}) {
        EXPECT_EQ(failure_with(server("DNS:other.example"), verifying(mode)), "");
        EXPECT_THAT(
            failure_with(make_certificate({.common_name = "nobody"}), verifying(mode)), HasSubstr("self-signed"));
    }
}

TEST_F(tls, names_the_certificate_that_has_expired)
{
    const auto old = make_certificate(
        {.common_name = "db", .alternative_names = "DNS:db.example", .valid_from_days = -20, .valid_to_days = -10},
        &authority());
    const auto why = failure_with(old, verifying(pg::ssl_mode::verify_full));
    EXPECT_THAT(why, HasSubstr("db.example:5432"));
    EXPECT_THAT(why, HasSubstr("certificate has expired (certificate of CN=db, valid until 20"));
    const auto early = make_certificate({.common_name = "db", .valid_from_days = 5}, &authority());
    EXPECT_THAT(failure_with(early, verifying(pg::ssl_mode::verify_ca)), HasSubstr("not yet valid"));
}

TEST_F(tls, names_the_names_that_a_certificate_is_for)
{
    EXPECT_EQ(
        failure_with(server("DNS:a.example,DNS:b.example,IP:10.0.0.1"), verifying(pg::ssl_mode::verify_full)),
        "TLS with db.example:5432 failed: the server's certificate is not for \"db.example\" but for a.example, "
        "b.example, 10.0.0.1");
}

struct name_case {
    const char* name;
    const char* host;
    const char* alternative_names;
    const char* common_name;
    bool good;

    friend void PrintTo(const name_case& each, std::ostream* out) { *out << each.name; }
};

class certificate_name : public tls, public testing::WithParamInterface<name_case> {};

TEST_P(certificate_name, is_checked)
{
    const auto& [_, host, alternative_names, common_name, good] = GetParam();
    const auto why = failure_with(server(alternative_names, common_name), verifying(pg::ssl_mode::verify_full), host);
    EXPECT_EQ(why.empty(), good) << why;
}

INSTANTIATE_TEST_SUITE_P(
    tls, certificate_name,
    testing::Values(
        name_case{"exact", "db.example", "DNS:db.example", "", true},
        name_case{"without_regard_to_case", "DB.Example", "DNS:db.EXAMPLE", "", true},
        name_case{"one_of_several", "db.example", "DNS:a.example,DNS:db.example", "", true},
        name_case{"wildcard_without_its_label", "db.example", "DNS:*.db.example", "", false},
        name_case{"wildcard", "a.db.example", "DNS:*.db.example", "", true},
        name_case{"wildcard_for_two_labels", "a.b.db.example", "DNS:*.db.example", "", false},
        name_case{"wildcard_in_a_label", "ab.db.example", "DNS:a*.db.example", "", false},
        name_case{"wildcard_inside", "a.b.example", "DNS:a.*.example", "", false},
        name_case{"common_name", "db.example", "", "db.example", true},
        name_case{"common_name_beside_names", "db.example", "DNS:a.example", "db.example", false},
        name_case{"common_name_beside_addresses", "db.example", "IP:10.0.0.1", "db.example", true},
        name_case{"address", "127.0.0.1", "IP:127.0.0.1", "", true},
        name_case{"another_address", "127.0.0.1", "IP:127.0.0.2", "127.0.0.1", false},
        name_case{"address_as_common_name", "127.0.0.1", "", "127.0.0.1", true},
        name_case{"address_as_a_name", "127.0.0.1", "DNS:127.0.0.1", "", true}, // as old tools wrote it
        name_case{"address_by_wildcard", "127.0.0.1", "DNS:*.0.0.1", "", false},
        name_case{"address_of_version_6", "::1", "IP:::1", "", true},
        name_case{"address_of_another_version", "::1", "IP:127.0.0.1", "", false}),
    [](const auto& tried) { return std::string(tried.param.name); });

TEST_F(tls, knows_who_was_revoked)
{
    auto options = verifying(pg::ssl_mode::verify_ca);
    const auto good = server("DNS:db.example");
    const auto bad = server("DNS:db.example");
    options.crl = file("root.crl", make_revocation_list(authority(), {&bad}));
    EXPECT_EQ(failure_with(good, options), "");
    EXPECT_THAT(failure_with(bad, options), HasSubstr("certificate revoked"));

    options.crl.clear();
    const temporary_folder lists;
    options.crl_directory = lists.path().string();
    char name[32]; // NOLINT: snprintf
    std::snprintf(name, sizeof name, "%08lx.r0", X509_subject_name_hash(authority().x509.get()));
    std::ofstream(lists.path() / name) << make_revocation_list(authority(), {&bad});
    EXPECT_EQ(failure_with(good, options), "");
    EXPECT_THAT(failure_with(bad, options), HasSubstr("certificate revoked"));
}

TEST_F(tls, takes_the_files_of_the_default_folder)
{
    const temporary_folder folder;
    pg::tls_options options;
    options.mode = pg::ssl_mode::verify_ca;
    options.default_folder = folder.path().string();
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("need a root certificate"));
    std::ofstream(folder.path() / "root.crt") << authority().pem();
    const auto revoked = server("DNS:db.example");
    EXPECT_EQ(failure_with(revoked, options), "");
    std::ofstream(folder.path() / "root.crl") << make_revocation_list(authority(), {&revoked});
    EXPECT_THAT(failure_with(revoked, options), HasSubstr("certificate revoked"));
    std::ofstream(folder.path() / "postgresql.crt") << server("", "ann").pem();
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("no key for it"));
}

TEST_F(tls, names_the_file_that_it_cannot_use)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::verify_full;
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("need a root certificate"));
    options.root_certificate = "/nowhere/root.crt";
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("/nowhere/root.crt: No such file"));
    options.root_certificate = file("bad.crt", "no certificate");
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("bad.crt"));
    options = verifying(pg::ssl_mode::verify_full);
    options.crl = "/nowhere/root.crl";
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("/nowhere/root.crl"));
    options.crl = file("bad.crl", "no list");
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("bad.crl"));
    options = verifying(pg::ssl_mode::verify_full);
    EXPECT_THAT(message_of([&] { context(options, ""); }), HasSubstr("needs the name of the host"));
}

TEST_F(tls, believes_the_systems_list_only_for_the_right_name)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    options.root_certificate = "system";
    EXPECT_TRUE(context(options)->checks_name());
    EXPECT_THAT(failure_with(server("DNS:db.example"), options), HasSubstr("not believed"));
}

TEST_F(tls, shows_its_certificate_when_asked)
{
    const auto own = server("", "ann");
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    options.certificate = file("ann.crt", own.pem());
    options.key = file("ann.key", own.key_pem());
    const auto shown = server("DNS:db.example");
    memory_tls_server asking(shown, {.asks_for_certificate = true});
    auto client = open(options);
    shake_hands(client, asking);
    EXPECT_TRUE(asking.got_certificate());

    options.certificate_mode = pg::client_certificate::disable;
    memory_tls_server asking_again(shown, {.asks_for_certificate = true});
    auto shy = open(options);
    shake_hands(shy, asking_again);
    EXPECT_FALSE(asking_again.got_certificate());

    options.certificate_mode = pg::client_certificate::require;
    EXPECT_THAT(failure_with(shown, options), HasSubstr("the server asked for no certificate"));
    options.certificate.clear();
    options.key.clear();
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("sslcertmode=require, and there is no client"));
}

TEST_F(tls, blames_no_certificate_that_is_not_checked)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    memory_tls_server insisting(make_certificate({.common_name = "nobody"}), {.insists_on_certificate = true});
    auto client = open(options);
    EXPECT_THAT(message_of([&] { shake_hands(client, insisting); }), HasSubstr("alert certificate required"));
}

TEST_F(tls, guards_the_key_as_libpq_does)
{
    const auto own = server("", "ann");
    pg::tls_options options;
    options.certificate = file("own.crt", own.pem());
    options.key = file("open.key", own.key_pem(), 0644);
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("others have access to the key"));
    options.key = file("group.key", own.key_pem(), 0640);
    const auto with_group = message_of([&] { context(options); });
    EXPECT_EQ(with_group.empty(), ::geteuid() == 0) << with_group;
    options.key = file("folder.crt", own.pem());
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("cannot read the key"));
    options.key = file("other.key", server("", "bob").key_pem());
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("does not belong to the client certificate"));
    options.key = "/nowhere/own.key";
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("/nowhere/own.key"));
    options.key = "/tmp";
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("not a regular file"));
}

TEST_F(tls, opens_an_encrypted_key)
{
    const auto own = server("", "ann");
    pg::tls_options options;
    options.certificate = file("locked.crt", own.pem());
    options.key = file("locked.key", own.key_pem("open sesame"));
    EXPECT_THAT(message_of([&] { context(options); }), HasSubstr("it is encrypted, and there is no sslpassword"));
    options.key_password = "wrong";
    const auto why = message_of([&] { context(options); });
    EXPECT_THAT(why, HasSubstr("sslpassword does not fit"));
    EXPECT_EQ(why.find("wrong"), std::string::npos);
    options.key_password = "open sesame";
    EXPECT_TRUE(context(options));
}

TEST_F(tls, keeps_to_the_versions_that_are_allowed)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    options.minimum_version = pg::tls_version::tls_1_3;
    memory_tls_server old(server("DNS:db.example"), {.highest_version = TLS1_2_VERSION});
    auto client = open(options);
    EXPECT_THAT(message_of([&] { shake_hands(client, old); }), HasSubstr("version"));
    options.minimum_version = pg::tls_version::tls_1_2;
    options.maximum_version = pg::tls_version::tls_1_2;
    EXPECT_EQ(failure_with(server("DNS:db.example"), options), "");
}

TEST_F(tls, begins_directly_only_with_a_server_of_the_protocol)
{
    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    options.negotiation = pg::ssl_negotiation::direct;
    const auto shown = server("DNS:db.example");
    memory_tls_server postgres(shown, {.protocol = "postgresql"});
    auto client = open(options);
    EXPECT_EQ(message_of([&] { shake_hands(client, postgres); }), "");
    EXPECT_THAT(failure_with(shown, options), HasSubstr("sslnegotiation=direct"));
    memory_tls_server web(shown, {.protocol = "http/1.1"});
    auto lost = open(options);
    EXPECT_NE(message_of([&] { shake_hands(lost, web); }), "");
}

TEST_F(tls, takes_plain_text_for_a_failure)
{
    auto client = open(verifying(pg::ssl_mode::verify_full));
    EXPECT_FALSE(client.handshake());
    client.receive(std::string_view("E\0\0\0\x10SFATAL\0\0", 13));
    EXPECT_THAT(message_of([&] { (void)client.handshake(); }), HasSubstr("db.example:5432"));
}

TEST_F(tls, binds_to_the_certificate_with_its_own_hash)
{
    const auto binding_of = [](const certificate& shown) {
        pg::tls_options options;
        options.mode = pg::ssl_mode::require;
        memory_tls_server peer(shown);
        auto client = open(options);
        shake_hands(client, peer);
        return client.end_point();
    };
    const auto hash_of = [](const certificate& shown, const EVP_MD* method) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned int size = 0;
        X509_digest(shown.x509.get(), method, digest.data(), &size);
        return std::string(digest.begin(), digest.begin() + size);
    };
    const auto sha256 = make_certificate({.common_name = "a"});
    EXPECT_EQ(binding_of(sha256), hash_of(sha256, EVP_sha256()));
    const auto sha384 = make_certificate({.common_name = "b", .digest = "SHA384"});
    EXPECT_EQ(binding_of(sha384), hash_of(sha384, EVP_sha384()));
    EXPECT_EQ(binding_of(make_certificate({.common_name = "c", .key_type = "ED25519"})), "");
    const auto sha1 = make_certificate({.common_name = "d", .digest = "SHA1"});
    EXPECT_EQ(pg::auth::end_point_binding(sha1.x509.get()), hash_of(sha1, EVP_sha256()));
}

} // namespace
