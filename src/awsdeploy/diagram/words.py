"""Words of a picture in English and Korean. The English text is the key."""

from __future__ import annotations

from collections.abc import Callable

Words = Callable[[str], str]
"""Translates an English text; a text without translation stays as it is."""

KOREAN = {
    # states
    "planned": "생성 예정",
    "healthy": "정상",
    "differs": "설정과 다름",
    "changing": "변경 중",
    "unhealthy": "비정상",
    "not there": "없음",
    # boxes
    "Internet": "인터넷",
    "certificate": "인증서",
    "health check": "상태 확인",
    "Internet gateway": "인터넷 게이트웨이",
    "Load balancer": "로드 밸런서",
    "NAT gateway": "NAT 게이트웨이",
    "Database": "데이터베이스",
    "Standby": "대기 데이터베이스",
    "Uploads": "업로드",
    "Copy of the uploads": "업로드 복제본",
    "Access logs": "접속 로그",
    "Logs": "로그",
    "Alarms": "경보",
    "Backups": "백업",
    "Everything else": "그 밖의 리소스",
    # frames
    "Public subnet": "퍼블릭 서브넷",
    "Private subnet": "프라이빗 서브넷",
    # facts
    "all users": "모든 사용자",
    "public": "공개",
    "private": "비공개",
    "versions": "버전 관리",
    "worker, no port": "워커, 포트 없음",
    "80 redirects to 443": "80은 443으로",
    "{} days kept": "{}일 보관",
    "{} log groups, {} days kept": "로그 그룹 {}개, {}일 보관",
    "daily images, {} kept": "매일 이미지, {}개 보관",
    "database: {} days kept": "데이터베이스: {}일 보관",
    "no images": "이미지 없음",
    "{} alarms, {} in alarm": "경보 {}개, 발생 {}개",
    "in alarm": "경보 발생",
    "{} recipients": "수신자 {}명",
    "reach {} of {} recipients": "수신자 {}명 (모두 {}명)",
    "reach nobody": "수신자 없음",
    "{} to {} machines": "{}~{}대",
    "{} in service": "서비스 중 {}대",
    "{} more": "외 {}대",
    "{} resources": "리소스 {}개",
    "valid until": "만료일",
    "DNS is elsewhere": "외부 DNS",
    "{} is closed": "{} 닫힘",
    "copies": "복제",
    "a month": "매월",
    "Parts": "구성 요소",
    "Part": "구성 요소",
    "State": "상태",
    "What": "내용",
    "US dollars a month": "월 비용 (미국 달러)",
    "Nothing of it exists yet: this is what `up` would create.": "아직 아무것도 없습니다. `up`이 만들 구성입니다.",
    "No longer in config.toml": "config.toml에 없음",
}


def words(language: str) -> Words:
    """The words of a language, `en` or `ko`."""
    return (lambda text: KOREAN.get(text, text)) if language == "ko" else (lambda text: text)
