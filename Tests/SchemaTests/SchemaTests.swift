import Testing
@testable import Schema
import Wire
