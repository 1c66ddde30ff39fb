// SPDX-License-Identifier: Apache-2.0
// SCRAM with any words of the server. It cannot know the signature, so it must never be believed.
#include "harness/bytes.hpp"
#include "harness/require.hpp"
#include "pg/fsm/scram_client.hpp"

#include <string>

namespace {

using namespace tradecore;
using fuzz::require;

constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";

// Known prefixes are put in front, so that what is behind them is reached.
std::string first_words(fuzz::byte_source& input)
{
    std::string words;
    const auto known = input.u8();
    if ((known & 1U) != 0)
        words += "r=" + std::string(nonce);
    words += input.some();
    if ((known & 2U) != 0)
        words += "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=";
    words += input.some();
    return words;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    pg::fsm::scram_binding binding;
    binding.what = static_cast<pg::fsm::scram_binding::flag>(input.below(3));
    binding.end_point = std::string(input.some());
    pg::fsm::scram_client client("", "pencil", std::string(nonce), binding, 16);
    require(!client.client_first().empty(), "the client begins");

    const auto last = client.client_final(first_words(input));
    if (!last)
        require(!client.problem().empty(), "a refusal says why");
    const bool believed = client.verify(input.rest());
    require(!believed, "who does not know the password is not believed");
    require(!client.problem().empty(), "a refusal says why");
    for (const char c : client.problem())
        require(c >= ' ' && c <= '~', "what the server said is made fit for a log");
    return 0;
}
