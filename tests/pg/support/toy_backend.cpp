// SPDX-License-Identifier: Apache-2.0
#include "toy_backend.hpp"

#include "backend.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tradecore::test {

namespace {

using digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

constexpr std::string_view salt = "0123456789abcdef";
constexpr std::string_view server_nonce = "from-the-server";

const unsigned char* raw(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

digest hmac(const digest& key, std::string_view text)
{
    digest out{};
    unsigned int size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(), out.data(), &size);
    return out;
}

std::string base64(const unsigned char* bytes, std::size_t size)
{
    std::string out(4 * ((size + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
    return out;
}

std::string_view between(std::string_view text, std::string_view begin, std::string_view end)
{
    const auto from = text.find(begin) + begin.size();
    return text.substr(from, text.find(end, from) - from);
}

std::string challenge(std::string_view client_first)
{
    const auto nonce = between(client_first, ",r=", ",");
    return "r=" + std::string(nonce) + std::string(server_nonce) + ",s=" + base64(raw(salt), salt.size()) + ",i=1";
}

/// The server's proof that it knows the password (RFC 5802).
std::string proof(std::string_view client_first, std::string_view client_final)
{
    digest salted{};
    PKCS5_PBKDF2_HMAC(
        "pencil", 6, raw(salt), static_cast<int>(salt.size()), 1, EVP_sha256(), static_cast<int>(salted.size()),
        salted.data());
    const auto bare = client_first.substr(client_first.find("n=", 3));
    const auto without_proof = client_final.substr(0, client_final.find(",p="));
    const std::string message = std::string(bare) + "," + challenge(client_first) + "," + std::string(without_proof);
    const digest signature = hmac(hmac(salted, "Server Key"), message);
    return "v=" + base64(signature.data(), signature.size());
}

std::string c_string_at(std::string_view& payload)
{
    const auto end = payload.find('\0');
    std::string taken(payload.substr(0, end));
    payload.remove_prefix(std::min(payload.size(), taken.size() + 1));
    return taken;
}

std::int32_t i32_at(std::string_view bytes)
{
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(0, 4))
        value = value << 8U | static_cast<unsigned char>(byte);
    return static_cast<std::int32_t>(value);
}

bool contains(std::string_view text, std::string_view word)
{
    return text.find(word) != std::string_view::npos;
}

bool is_binary(std::string_view copy)
{
    return contains(copy, "BINARY") || contains(copy, "binary");
}

bool returns_rows(std::string_view text)
{
    return text.starts_with("SELECT");
}

std::size_t rows_of(std::string_view text)
{
    return contains(text, "rows") ? 3 : 1;
}

std::string number(std::size_t position)
{
    return backend::i32(static_cast<std::int64_t>(7 + position));
}

std::string described(std::string_view text, int format)
{
    if (!returns_rows(text))
        return backend::no_data();
    return contains(text, "\"a\", \"b\"") ? backend::columns({{"a", 23}, {"b", 23}}, format)
                                          : backend::columns({{"n", 23}}, format);
}

std::string copy_response(char type, bool binary)
{
    const int format = binary ? 1 : 0;
    return backend::message(type, std::string(1, static_cast<char>(format)) + backend::i16(1) + backend::i16(format));
}

std::string copied_out(bool binary)
{
    std::string out = copy_response('H', binary);
    if (binary)
        out += backend::message('d', std::string("PGCOPY\n\377\r\n\0", 11) + backend::i32(0) + backend::i32(0));
    for (std::size_t i = 0; i < 3; ++i)
        out += backend::message(
            'd', binary ? backend::i16(1) + backend::i32(4) + number(i) : std::to_string(7 + i) + '\n');
    if (binary)
        out += backend::message('d', backend::i16(-1));
    return out + backend::message('c', {}) + backend::complete("COPY 3");
}

} // namespace

std::string toy_backend::take(std::string_view bytes)
{
    pending_ += bytes;
    while (!stalled_ && !ended_ && take_message()) {
    }
    return std::exchange(out_, {});
}

std::string toy_backend::cancel()
{
    if (!stalled_)
        return {}; // it came too late
    stalled_ = false;
    fail("57014", "canceling statement due to user request");
    return take({});
}

bool toy_backend::take_message()
{
    constexpr std::size_t length_field = 4;
    const std::size_t type = phase_ == phase::startup ? 0 : 1;
    if (pending_.size() < type + length_field)
        return false;
    const auto length = static_cast<std::size_t>(i32_at(std::string_view(pending_).substr(type)));
    if (pending_.size() < type + length)
        return false;
    const std::string whole = pending_.substr(0, type + length);
    pending_.erase(0, type + length);
    const auto payload = std::string_view(whole).substr(type + length_field);
    switch (phase_) {
    case phase::startup:
        on_startup(payload);
        break;
    case phase::scram_first:
    case phase::scram_final:
        on_scram(payload);
        break;
    case phase::ready:
        on_message(whole[0], payload);
        break;
    }
    return true;
}

void toy_backend::on_startup(std::string_view)
{
    out_ += backend::authentication(10, std::string("SCRAM-SHA-256\0\0", 15));
    phase_ = phase::scram_first;
}

void toy_backend::on_scram(std::string_view payload)
{
    if (phase_ == phase::scram_first) {
        (void)c_string_at(payload);
        client_first_ = payload.substr(4);
        out_ += backend::authentication(11, challenge(client_first_));
        phase_ = phase::scram_final;
        return;
    }
    out_ += backend::authentication(12, proof(client_first_, payload)) + backend::authentication_ok() +
            backend::status("server_version", "15.0") + backend::key(1, 2) + backend::ready();
    phase_ = phase::ready;
}

void toy_backend::on_message(char type, std::string_view payload)
{
    if (type == 'X') {
        ended_ = true;
        return;
    }
    if (copying_) {
        on_copy(type);
        return;
    }
    if (type == 'S') {
        skipping_ = false;
        ready();
        return;
    }
    if (skipping_)
        return;
    switch (type) {
    case 'P':
        on_parse(payload);
        break;
    case 'B':
        on_bind(payload);
        break;
    case 'D':
        on_describe(payload);
        break;
    case 'E':
        on_execute(payload);
        break;
    case 'C':
        if (payload[0] == 'S')
            statements_.erase(std::string(payload.substr(1, payload.size() - 2)));
        else
            portals_.erase(std::string(payload.substr(1, payload.size() - 2)));
        out_ += backend::message('3', {});
        break;
    case 'Q':
        on_query(c_string_at(payload));
        break;
    default: // Flush; the rest of a COPY that has failed
        break;
    }
}

void toy_backend::on_parse(std::string_view payload)
{
    auto name = c_string_at(payload);
    statements_[std::move(name)] = c_string_at(payload);
    out_ += backend::parse_complete();
}

void toy_backend::on_bind(std::string_view payload)
{
    auto name = c_string_at(payload);
    const auto statement = statements_.find(c_string_at(payload));
    if (statement == statements_.end())
        return fail("26000", "there is no such prepared statement");
    portals_[std::move(name)] = {.text = statement->second};
    out_ += backend::bind_complete();
}

void toy_backend::on_describe(std::string_view payload)
{
    const char what = payload[0];
    payload.remove_prefix(1);
    const auto name = c_string_at(payload);
    if (what == 'P') {
        out_ += described(portals_[name].text, 1);
        return;
    }
    const auto& text = statements_[name];
    out_ += contains(text, "$1") ? backend::parameters({23}) : backend::parameters({});
    out_ += described(text, 0);
}

void toy_backend::on_execute(std::string_view payload)
{
    const auto name = c_string_at(payload);
    const auto most = static_cast<std::size_t>(i32_at(payload));
    const auto found = portals_.find(name);
    if (found == portals_.end())
        return fail("34000", "there is no such portal");
    if (!stalls(found->second.text))
        run(found->second.text, found->second.position, most, false);
}

void toy_backend::on_query(std::string_view text)
{
    simple_ = true;
    if (stalls(text))
        return;
    while (!text.empty() && !skipping_) {
        const auto end = std::min(text.find(';'), text.size());
        std::size_t position = 0;
        run(std::string(text.substr(0, end)), position, 0, true);
        text.remove_prefix(std::min(text.size(), end + 1));
        text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
        if (copying_)
            return;
    }
    skipping_ = simple_ = false;
    ready();
}

void toy_backend::on_copy(char type)
{
    if (type == 'c') {
        copying_.reset();
        out_ += backend::complete("COPY 3");
    }
    else if (type == 'f') {
        copying_.reset();
        fail("57014", "COPY from stdin failed");
    }
    else {
        return; // data, and a Sync that a server ignores while it takes data
    }
    if (std::exchange(simple_, false)) {
        skipping_ = false;
        ready();
    }
}

bool toy_backend::stalls(std::string_view text)
{
    if (!text.starts_with("ROLLBACK"))
        stalled_ = executions_++ == stalls_at_;
    return stalled_;
}

void toy_backend::run(const std::string& text, std::size_t& position, std::size_t most, bool describes)
{
    if (contains(text, "fail"))
        return fail("22012", "division by zero");
    if (contains(text, "STDIN")) {
        out_ += copy_response('G', is_binary(text));
        copying_ = text;
        return;
    }
    if (contains(text, "STDOUT")) {
        out_ += copied_out(is_binary(text));
        return;
    }
    if (describes && returns_rows(text))
        out_ += described(text, 0);
    if (returns_rows(text)) {
        std::size_t given = 0;
        for (; position < rows_of(text) && (most == 0 || given < most); ++position, ++given)
            out_ += backend::row({describes ? std::to_string(7 + position) : number(position)});
        if (most != 0 && given == most) { // whether there are more is not known yet
            out_ += backend::message('s', {});
            return;
        }
    }
    complete(text);
}

void toy_backend::complete(std::string_view text)
{
    const auto word = text.substr(0, text.find_first_of(" ;"));
    if (word == "BEGIN" || word == "START")
        status_ = 'T';
    if (word == "COMMIT" || word == "ROLLBACK" || word == "END") {
        out_ += backend::complete(status_ == 'E' ? "ROLLBACK" : word);
        status_ = 'I';
        return;
    }
    if (word == "LISTEN")
        after_ready_ = backend::message('A', backend::i32(1) + backend::c_string("news") + backend::c_string("hello"));
    if (word == "INSERT")
        out_ += backend::complete("INSERT 0 1");
    else if (word == "SELECT")
        out_ += backend::complete("SELECT " + std::to_string(rows_of(text)));
    else
        out_ += backend::complete(word);
}

void toy_backend::fail(std::string_view code, std::string_view words)
{
    out_ += backend::error(code, words);
    skipping_ = true;
    if (status_ == 'T')
        status_ = 'E';
    if (simple_ && !copying_ && code == "57014") {
        skipping_ = simple_ = false;
        ready();
    }
}

void toy_backend::ready()
{
    if (status_ == 'I')
        portals_.clear();
    out_ += backend::ready(status_) + std::exchange(after_ready_, {});
}

} // namespace tradecore::test
