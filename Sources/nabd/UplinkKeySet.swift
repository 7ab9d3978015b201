import ArgumentParser
import DeviceModel
import NabdHost
import Uplink

extension UplinkCommand {
    /// The public half of the key by which this unit signs for tokens.
    struct KeySet: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "jwks",
            abstract: "The public key by which this unit asks for tokens, as the service's people register it (JWKS)."
        ).examples("nabd uplink jwks", "nabd uplink jwks --key /etc/nabd/keys/smart.key.new")
        @OptionGroup var place: Place
        @Option(help: "The PEM file of a key that is to be used; otherwise the configuration's.") var key: String?

        func run() throws {
            guard let file = try key ?? place.file.load(faultsCost: .itsPart).uplink?.smart?.key else {
                throw Failure(
                    .usage, "this unit asks for no tokens: “uplink” has no “smart” in its configuration; name a --key")
            }
            do throws(EndpointError) {
                print(try SigningKey(file: file).publicSet.text)
            } catch { throw Failure(.unavailable, error.description) }
        }
    }
}
