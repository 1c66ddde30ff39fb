// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tradecore::test {

/// What happens next: from a seed, or from a list that RapidCheck makes shorter.
class choice_sequence {
public:
    explicit choice_sequence(std::uint64_t seed) : state_(seed) {}
    explicit choice_sequence(std::vector<std::uint32_t> given) : given_(std::move(given)) {}

    std::size_t below(std::size_t limit)
    {
        if (given_)
            return (next_ < given_->size() ? (*given_)[next_++] : 0U) % limit;
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return (mixed ^ (mixed >> 31U)) % limit;
    }
    bool one_in(std::size_t many) { return below(many) == many - 1; }
    double lottery() { return static_cast<double>(below(1'000)) / 1'000.0; }
    [[nodiscard]] bool is_used_up() const { return given_ && next_ >= given_->size(); }

private:
    std::uint64_t state_ = 0;
    std::optional<std::vector<std::uint32_t>> given_;
    std::size_t next_ = 0;
};

} // namespace tradecore::test
