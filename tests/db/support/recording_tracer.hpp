// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/tracer.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::test {

/// Keeps what it was told of spans. Used by one thread.
class recording_tracer final : public observe::tracer {
public:
    using attributes = std::map<std::string, std::string>;

    struct told {
        std::string name;
        observe::span_kind kind{};
        observe::trace_context context{};
        std::optional<observe::trace_context> parent{};
        attributes with{};
        std::vector<std::pair<std::string, attributes>> events{};
        int ends = 0;
        bool failed = false;
        std::string error{};
    };

    /// Says which spans are recorded; all, at first.
    std::function<bool(const observe::span_start&)> samples = [](const observe::span_start&) { return true; };
    std::uint8_t flags = observe::trace_context::sampled;

    [[nodiscard]] std::unique_ptr<observe::span> start(const observe::span_start& what) noexcept override
    {
        if (!samples(what))
            return nullptr;
        told one{
            .name = std::string(what.name),
            .kind = what.kind,
            .context = {},
            .parent = {},
            .with = copy(what.attributes)};
        if (what.parent != nullptr) {
            one.parent = *what.parent;
            one.context.trace_id = what.parent->trace_id;
        }
        else {
            one.context.trace_id.fill(0xaa);
        }
        one.context.span_id.back() = static_cast<std::uint8_t>(spans_->size() + 1);
        one.context.flags = flags;
        spans_->push_back(std::make_unique<told>(std::move(one)));
        return std::make_unique<recorded>(*spans_->back(), spans_);
    }

    [[nodiscard]] std::vector<told> spans() const
    {
        std::vector<told> all;
        for (const auto& each : *spans_)
            all.push_back(*each);
        return all;
    }
    /// @returns the only span of this name.
    [[nodiscard]] told named(const std::string& name) const
    {
        std::vector<told> found;
        for (const auto& each : *spans_) {
            if (each->name == name)
                found.push_back(*each);
        }
        return found.size() == 1 ? found.front() : told{.name = std::to_string(found.size()) + " of " + name};
    }
    /// @returns all spans, in the order in which they began, with their children behind them: "a(b, c(d)), e".
    [[nodiscard]] std::string tree() const { return children_of(std::nullopt); }
    void forget() { spans_->clear(); }

private:
    using all_told = std::vector<std::unique_ptr<told>>;

    static attributes copy(std::span<const observe::field> from)
    {
        attributes all;
        for (const auto& each : from)
            all.emplace(each.key(), each.text());
        return all;
    }

    class recorded final : public observe::span {
    public:
        recorded(told& into, std::shared_ptr<all_told> keeps) : into_(into), keeps_(std::move(keeps)) {}
        [[nodiscard]] const observe::trace_context& context() const noexcept override { return into_.context; }
        void event(std::string_view name, std::span<const observe::field> with) noexcept override
        {
            into_.events.emplace_back(name, copy(with));
        }
        void end(const observe::span_end& outcome) noexcept override
        {
            ++into_.ends;
            into_.failed = outcome.failed;
            into_.error = outcome.error;
            for (auto& [key, value] : copy(outcome.attributes))
                into_.with[key] = value;
        }

    private:
        told& into_;
        std::shared_ptr<all_told> keeps_;
    };

    [[nodiscard]] std::string children_of(const std::optional<observe::trace_context>& parent) const
    {
        std::string text;
        for (const auto& each : *spans_) {
            const bool is_child =
                parent ? each->parent && each->parent->span_id == parent->span_id : is_outermost(*each);
            if (!is_child)
                continue;
            text += (text.empty() ? "" : ", ") + each->name;
            if (const auto below = children_of(each->context); !below.empty())
                text += "(" + below + ")";
        }
        return text;
    }
    [[nodiscard]] bool is_outermost(const told& one) const
    {
        return !one.parent || std::ranges::none_of(*spans_, [&](const auto& each) {
            return each->context.span_id == one.parent->span_id;
        });
    }

    std::shared_ptr<all_told> spans_ = std::make_shared<all_told>();
};

} // namespace tradecore::test
