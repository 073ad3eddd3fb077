internal import Basics
internal import InstanceManager
internal import Loop
internal import Registry

/// Until the front room is here: the signatures the daemon needs of it.
actor FrontStandIn: PortBinder {
    init(loop: Loop, manager: InstanceManager, log: Log) {}
    func bind(_ record: InstanceRecord) async throws(DevError) {}
    func release(_ id: String) async {}
    /// Lets pumped sessions end until the deadline.
    func close(within: Duration) async {}
}
