"""Every error code of Tencent SMS (API 2021-01-11, and those all its APIs share), with its ending.

Codes and their meaning: the error lists of the vendor's SDK and of its manual. A code that is not
here takes the ending of its family, the part before the first point; an unknown family is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerts.gateways.endings import Ending
from ingest.errors import DeliveryError

Verdict = tuple[Ending, str]
"""How a code ends, and what the operator can do about it."""

_GROUPS: Mapping[Verdict, str] = {
    (Ending.RETRY, "it is tried again; if it lasts, ask the vendor"): """
        InternalError InternalError.JsonParseFail InternalError.OtherError
        InternalError.ParseBackendResponseFail InternalError.SendAndRecvFail InternalError.Timeout
        InternalError.UnknownError ResourceInUse ResourceUnavailable ServiceUnavailable
        """,
    (
        Ending.RETRY,
        "it is tried again more slowly; set most and per of the channel below its limit",
    ): """
        LimitExceeded.GlobalSmsSendingRateLimit RequestLimitExceeded
        RequestLimitExceeded.GlobalRegionUinLimitExceeded RequestLimitExceeded.IPLimitExceeded
        RequestLimitExceeded.UinLimitExceeded
        """,
    (
        Ending.FINAL,
        "this number has had as many messages as its limits allow; raise them in the console",
    ): """
        LimitExceeded.DeliveryFrequencyLimit LimitExceeded.PhoneNumberDailyLimit
        LimitExceeded.PhoneNumberOneHourLimit LimitExceeded.PhoneNumberSameContentDailyLimit
        LimitExceeded.PhoneNumberThirtySecondLimit
        """,
    (Ending.FINAL, "check the number on file, and whether its owner refused messages"): """
        FailedOperation.PhoneNumberInBlacklist FailedOperation.PhoneNumberParseFail
        InvalidParameterValue.IncorrectPhoneNumber LimitExceeded.AppCountryOrRegionDailyLimit
        LimitExceeded.AppCountryOrRegionInBlacklist
        UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone
        UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber
        UnsupportedOperation.ContainDomesticPhoneNumber
        UnsupportedOperation.GlobalTemplateToChineseMainlandPhone
        UnsupportedOperation.UnsupportedRegion
        """,
    (
        Ending.FINAL,
        "what fills the template is refused; check parameters and longest of the channel",
    ): """
        FailedOperation.ContainSensitiveWord InvalidParameter.DirtyWordFound
        InvalidParameterValue.ContentLengthLimit
        InvalidParameterValue.ProhibitedUseUrlInTemplateParameter
        InvalidParameterValue.TemplateParameterFormatError
        InvalidParameterValue.TemplateParameterLengthLimit InvalidParameterValue.TemplateWithDirtyWords
        """,
    (Ending.FINAL, "the request is refused as it stands; report this as a defect"): """
        DryRunOperation FailedOperation FailedOperation.FailResolvePacket FailedOperation.JsonParseFail
        FailedOperation.OtherError FailedOperation.ParametersOtherError InvalidParameter
        InvalidParameter.InvalidParameters InvalidParameterValue InvalidRequest
        InvalidParameterValue.BeginTimeVerifyFail InvalidParameterValue.EndTimeVerifyFail
        InvalidParameterValue.InvalidStartTime InvalidParameterValue.LimitVerifyFail
        InvalidParameterValue.OffsetVerifyFail LimitExceeded.PhoneNumberCountLimit MissingParameter
        MissingParameter.EmptyPhoneNumberSet RequestSizeLimitExceeded ResponseSizeLimitExceeded
        UnknownParameter UnsupportedOperation
        """,
    (Ending.FAIL_OVER, "check secret_id and secret_key, and that the key is enabled"): """
        AuthFailure AuthFailure.InvalidAuthorization AuthFailure.InvalidSecretId AuthFailure.MFAFailure
        AuthFailure.SecretIdNotFound AuthFailure.SignatureFailure AuthFailure.TokenFailure
        AuthFailure.UnauthorizedOperation InternalError.SigFieldMissing
        InternalError.SigVerificationFail InvalidCredential
        """,
    (Ending.FAIL_OVER, "set the clock of this machine: it is minutes off the vendor's"): """
        AuthFailure.SignatureExpire InternalError.RequestTimeException
        """,
    (Ending.FAIL_OVER, "pay the account or buy messages in the console"): """
        FailedOperation.InsufficientBalanceInSmsPackage
        UnauthorizedOperation.ServiceSuspendDueToArrears
        """,
    (Ending.FAIL_OVER, "a limit of the whole account is reached; raise it in the console"): """
        LimitExceeded LimitExceeded.AppDailyLimit LimitExceeded.AppGlobalDailyLimit
        LimitExceeded.AppMainlandChinaDailyLimit LimitExceeded.DailyLimit ResourceInsufficient
        """,
    (
        Ending.FAIL_OVER,
        "check sign_name, templates and parameters against what the console approved",
    ): """
        FailedOperation.MarketingSendTimeConstraint FailedOperation.MissingSignatureList
        FailedOperation.MissingTemplateList FailedOperation.SignatureIncorrectOrUnapproved
        FailedOperation.TemplateIdNotExist FailedOperation.TemplateIncorrectOrUnapproved
        FailedOperation.TemplateParamSetNotMatchApprovedTemplate
        FailedOperation.TemplateUnapprovedOrNotExist InvalidParameterValue.InvalidTemplateFormat
        InvalidParameterValue.UnsupportedTemplateVariable ResourceNotFound
        """,
    (Ending.FAIL_OVER, "check sdk_app_id, region, endpoint and what the console allows them"): """
        ActionOffline InternalError.RestApiInterfaceNotExist InvalidAction InvalidParameter.AppidAndBizId
        InvalidParameterValue.SdkAppIdNotExist IpInBlacklist IpNotInWhitelist NoSuchProduct
        NoSuchVersion OperationDenied UnauthorizedOperation
        UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny
        UnauthorizedOperation.RequestIpNotInWhitelist UnauthorizedOperation.RequestPermissionDeny
        UnauthorizedOperation.SdkAppIdIsDisabled UnauthorizedOperation.SmsSdkAppIdVerifyFail
        UnsupportedProtocol UnsupportedRegion
        """,
    # They answer calls that manage signatures and templates, which are never made here.
    (Ending.FINAL, "it belongs to another interface; report this as a defect"): """
        FailedOperation.ForbidAddMarketingTemplates FailedOperation.MissingSignature
        FailedOperation.MissingSignatureToModify FailedOperation.MissingTemplateToModify
        FailedOperation.NotEnterpriseCertification FailedOperation.ProhibitSubAccountUse
        FailedOperation.QualificationIdNotApproved FailedOperation.SignIdNotExist
        FailedOperation.SignNumberLimit FailedOperation.TemplateAlreadyPassedCheck
        FailedOperation.TemplateNumberLimit InvalidParameterValue.ImageInvalid
        InvalidParameterValue.InvalidDocumentType InvalidParameterValue.InvalidInternational
        InvalidParameterValue.InvalidSignPurpose InvalidParameterValue.InvalidSmsType
        InvalidParameterValue.InvalidUsedMethod
        InvalidParameterValue.MarketingTemplateWithoutUnsubscribe
        InvalidParameterValue.MultiSmsInfoSetEmpty InvalidParameterValue.QualificationIdNotFound
        InvalidParameterValue.SignAlreadyPassedCheck InvalidParameterValue.SignExistAndUnapproved
        InvalidParameterValue.SignNameLengthTooLong
        """,
}

CODES: Mapping[str, Verdict] = {
    code: verdict for verdict, codes in _GROUPS.items() for code in codes.split()
}
"""Code -> its ending and remedy."""
_UNKNOWN: Verdict = (Ending.RETRY, "look the code up in the vendor's manual")


def refusal(code: object) -> DeliveryError:
    """The error for a code that came in place of a success; the vendor's words stay out of it.

    They may repeat the number, and what is told of a code here is the same each time.
    """
    if not isinstance(code, str) or not code.replace(".", "").isalnum() or not code.isascii():
        return Ending.RETRY.error("the gateway gave no code that can be read; look in its console")
    ending, remedy = CODES.get(code) or CODES.get(code.partition(".")[0]) or _UNKNOWN
    return ending.error(f"the gateway answered {code[:80]}; {remedy}")
