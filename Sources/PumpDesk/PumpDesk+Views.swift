import CommandFacts
import DeviceModel
import DevicePlans
import Nomenclature
import OperatorDesk
import ProfileLanguage

/// What those who ask are shown.
extension PumpDesk {
    func view(_ pump: DrivenPump) -> PumpView {
        let state = ledger.pump(pump.key)
        let stop: PumpView.Stop? =
            switch state.stop?.phase {
            case nil: nil
            case .asked: .asked
            case .sent: .sent
            case .notDelivered: .notDelivered
            }
        return PumpView(
            device: pump.handle,
            model: "\(pump.plan.profile.device.manufacturer) \(pump.plan.profile.device.model)", line: pump.lineName,
            isDriven: pump.plan.faultyCommands.isEmpty,
            commands: pump.commands.map { command in
                OfferView(
                    command.name,
                    arguments: command.description.arguments.map {
                        OfferView.Argument(
                            $0.name, unit: $0.unit.display,
                            range: "\($0.range.lowerBound.text) to \($0.range.upperBound.text) in steps of "
                                + $0.step.text(of: 1))
                    })
            }, openCommand: ledger.underWay(on: pump.key)?.number, stop: stop, mustBeLookedAt: !state.isLookedAt,
            isLocked: state.isLocked)
    }

    func history(_ most: Int) -> [CommandView] {
        traces.keys.sorted(by: >).prefix(max(1, most)).compactMap(view)
    }

    func view(_ number: Int64) -> CommandView? {
        guard let trace = traces[number] else { return nil }
        let state = ledger.open[number]?.state
        let pump = pump(trace.content.pump)
        let arguments = pump?.command(trace.content.command)?.plan.description.arguments ?? []
        return trace.view(
            number: number, state: state, device: pump?.handle ?? trace.content.pump.text,
            waitsFor: waitsFor(state, number),
            unit: { entry in arguments.first { $0.name == entry.name }?.unit.display ?? entry.unit },
            fieldUnit: { pump?.unit(of: $0) })
    }

    private func waitsFor(_ state: CommandState?, _ number: Int64) -> String? {
        switch state {
        case nil: nil
        case .draft: "A second person has to enter the same, without having seen it."
        case .verified: work[number] == nil ? "Somebody has to start it." : "The pump is asked what it shows."
        case .intended, .sent: "The pump has to answer."
        case .acknowledged: "The pump has to show it."
        case .uncertain(let doubt):
            doubt.isLeftToPeople
                ? "Somebody has to look at the pump and say what it shows."
                : "It is not known what the pump did; it is being asked."
        }
    }
}
